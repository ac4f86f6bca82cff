//! What a reader gathers games in.

use super::format::Format;
use super::games::{Games, Record};
use super::report::Report;

/// Games of a file that come out together.
pub trait Batch {
    fn new(format: Format) -> Self;

    /// Whether there is nothing to give.
    fn is_empty(&self) -> bool;

    /// Whether it has all it may, given the most games it may have.
    fn is_full(&self, n: usize) -> bool;

    /// Append a game whose plies start at `ply` of `games`.
    fn push(&mut self, number: u64, games: &Games, record: &Record, ply: usize);

    /// Pass over a game that was dropped.
    fn skip(&mut self);

    /// No game comes any more: the next one stands here, so many bytes of the file were read.
    fn close(&mut self, place: Place, bytes_read: u64);
}

/// Between two games of a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Place {
    /// Bytes of text before it; for a compressed file, once it is decompressed.
    pub byte: u64,
    /// Whether carriage returns alone end the lines of the file.
    pub is_macintosh: bool,
    /// What became of the games before it.
    pub report: Report,
}

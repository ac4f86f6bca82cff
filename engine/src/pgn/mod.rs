//! Real games: PGN, and lines of UCI moves, streamed into tokens.
//!
//! A file is read in blocks (`blocks`), a block is cut where games seem to start, and its pieces
//! are read in parallel. That a piece really starts where a game does shows when the piece before
//! it has been read: games are those of the sequential order, whatever the blocks and threads.

mod ahead;
mod blocks;
mod columns;
pub mod comment;
mod ending;
mod game;
mod glyphs;
mod junk;
mod lexer;
mod report;
pub mod san;
mod source;
mod tags;
mod uci;

use std::io;
use std::path::Path;

use memchr::memmem;

pub use columns::Columns;
pub use ending::Ending;
pub use game::{Format, Notation};
pub use report::{Dropped, Report};
pub use tags::Text;

use crate::error::{Error, Result};
use crate::threads::Workers;
use ahead::Ahead;
use blocks::{BLOCK, Blocks, LONGEST_GAME};
use game::Games;
use source::Input;

/// Reads games in constant memory.
pub struct GameReader {
    blocks: Blocks,
    format: Format,
    workers: Workers<'static>,
    name: String,
    report: Report,
    parsed: Vec<Games>,
    next: Cursor,
    /// The batch being filled, which outlives an interrupted call.
    batch: Columns,
}

/// The next game of those that were parsed.
#[derive(Default)]
struct Cursor {
    piece: usize,
    record: usize,
    ply: usize,
}

impl GameReader {
    /// Read a file, plain, zstd, gzip or bzip2.
    pub fn open(path: &Path, format: Format, workers: Workers<'static>) -> Result<GameReader> {
        let name = path.display().to_string();
        let (source, workers) = open(path, workers).map_err(|error| read_error(&name, error))?;
        Ok(GameReader::new(source, name, format, workers))
    }

    /// Read from memory.
    pub fn from_bytes(bytes: Vec<u8>, format: Format, workers: Workers<'static>) -> GameReader {
        let source = Box::new(io::Cursor::new(bytes));
        GameReader::new(source, "pgn".to_owned(), format, workers)
    }

    fn new(source: Input, name: String, format: Format, workers: Workers<'static>) -> GameReader {
        GameReader {
            blocks: Blocks::new(source),
            format,
            workers,
            name,
            report: Report::default(),
            parsed: Vec::new(),
            next: Cursor::default(),
            batch: Columns::new(format),
        }
    }

    /// Up to `n` games that are kept; none at the end of the file.
    pub fn next_batch(&mut self, n: usize) -> Result<Columns> {
        loop {
            if let Some(batch) = self.step(n)? {
                return Ok(batch);
            }
        }
    }

    /// Some milliseconds of [`next_batch`](GameReader::next_batch); the batch once it is complete.
    pub fn step(&mut self, n: usize) -> Result<Option<Columns>> {
        while self.batch.len() < n && self.take() {}
        if self.batch.len() < n {
            match self.parse_block() {
                Ok(true) => return Ok(None),
                // The games before the place come first; the next call meets the error again.
                Err(Error::Read { .. }) if !self.batch.is_empty() => {}
                parsed => drop(parsed?),
            }
        }
        let mut batch = std::mem::replace(&mut self.batch, Columns::new(self.format));
        batch.report = self.report;
        Ok(Some(batch))
    }

    /// What games are read for.
    pub fn format(&self) -> Format {
        self.format
    }

    /// What became of the games read so far.
    pub fn report(&self) -> Report {
        self.report
    }

    /// Move one parsed game to the batch, or to the report; false where there is none.
    fn take(&mut self) -> bool {
        let Some(games) = self.parsed.get(self.next.piece) else {
            return false;
        };
        let Some(record) = games.records.get(self.next.record) else {
            self.next = Cursor {
                piece: self.next.piece + 1,
                ..Cursor::default()
            };
            return true;
        };
        match record {
            Ok(record) => {
                self.batch
                    .push(self.report.n_read, games, record, self.next.ply);
                self.next.ply += record.length;
            }
            Err(reason) => self.report.n_dropped[*reason as usize] += 1,
        }
        self.report.n_read += 1;
        self.next.record += 1;
        true
    }

    /// Parse some more text; false at the end of the file.
    fn parse_block(&mut self) -> Result<bool> {
        self.next = Cursor::default();
        self.parsed.clear();
        if self.blocks.is_last() && self.blocks.text().is_empty() {
            return Ok(false);
        }
        // A game longer than the block doubles it.
        let size = (BLOCK * self.workers.count()).max(self.blocks.text().len());
        self.blocks.extend(size);
        let mut consumed = self.parse_pieces()?;
        if consumed == 0
            && let Some(error) = self.blocks.failure()
        {
            let n_read = self.report.n_read;
            let reason = format!("{error}, after {n_read} whole games");
            return Err(read_error(&self.name, reason));
        }
        if consumed == 0 && self.blocks.text().len() > LONGEST_GAME {
            self.parsed = vec![Games::of_one(Err(Dropped::Malformed))];
            consumed = self.blocks.text().len();
        }
        self.blocks.consume(consumed);
        Ok(true)
    }

    /// Parse the window; return how much of it was whole games.
    fn parse_pieces(&mut self) -> Result<usize> {
        let (text, is_last) = (self.blocks.text(), self.blocks.is_last());
        let starts = likely_starts(text, self.format.notation, self.workers.count());
        let stops = starts[1..].iter().copied().chain([text.len()]);
        let pieces: Vec<_> = starts.iter().copied().zip(stops).collect();
        let read = self.workers.map(pieces, |(start, stop)| {
            let mut games = Games::default();
            let end = games.read(text, start, stop, is_last, self.format);
            (start, end, games)
        })?;
        let mut consumed = 0;
        for (start, end, games) in read {
            if start != consumed {
                break;
            }
            consumed = end;
            self.parsed.push(games);
        }
        Ok(consumed)
    }
}

/// Where to cut a text for this many threads: 0, and places that look like starts of games.
fn likely_starts(text: &[u8], notation: Notation, n_pieces: usize) -> Vec<usize> {
    let border: &[u8] = match notation {
        Notation::Pgn => b"\n[Event \"",
        Notation::Uci => b"\n",
    };
    let mut starts = vec![0];
    for piece in 1..n_pieces {
        let from = text.len() / n_pieces * piece;
        if let Some(found) = memmem::find(&text[from..], border) {
            starts.push(from + found + 1);
        }
    }
    starts.dedup();
    starts
}

/// A file, and the threads to parse it. One of several decompresses ahead of the others.
fn open(path: &Path, workers: Workers<'static>) -> io::Result<(Input, Workers<'static>)> {
    let (source, is_compressed) = source::open(path)?;
    if !is_compressed || workers.count() == 1 {
        return Ok((source, workers));
    }
    let others = Workers::new(Some(workers.count() - 1)).map_err(io::Error::other)?;
    Ok((Box::new(Ahead::new(source)), others))
}

fn read_error(name: &str, reason: impl ToString) -> Error {
    Error::Read {
        path: name.to_owned(),
        reason: reason.to_string(),
    }
}

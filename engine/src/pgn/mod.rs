//! Real games: PGN, streamed into tokens.

pub mod comment;
mod source;
mod visitor;

use std::io::{self, Read};
use std::path::Path;

use pgn_reader::Reader;

pub use visitor::{Dropped, PgnGame};

use crate::error::{Error, Result};
use crate::vocabulary::Vocabulary;
use visitor::GameVisitor;

/// What became of the games of a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Report {
    pub n_read: u64,
    /// By reason, as in `Dropped::NAMES`.
    pub n_dropped: [u64; Dropped::NAMES.len()],
}

impl Report {
    pub fn n_kept(&self) -> u64 {
        self.n_read - self.n_dropped.iter().sum::<u64>()
    }
}

/// Reads games one by one, in constant memory.
pub struct PgnReader {
    reader: Reader<Box<dyn Read + Send>>,
    visitor: GameVisitor,
    name: String,
    report: Report,
}

impl PgnReader {
    /// Read a file, plain or zstd.
    pub fn open(path: &Path, vocabulary: &'static Vocabulary, max_ply: usize) -> Result<PgnReader> {
        let name = path.display().to_string();
        let source = source::open(path).map_err(|e| read_error(&name, &e))?;
        Ok(PgnReader::new(source, name, vocabulary, max_ply))
    }

    /// Read from memory.
    pub fn from_bytes(
        bytes: Vec<u8>,
        vocabulary: &'static Vocabulary,
        max_ply: usize,
    ) -> PgnReader {
        let source = Box::new(io::Cursor::new(bytes));
        PgnReader::new(source, "pgn".to_owned(), vocabulary, max_ply)
    }

    fn new(
        source: Box<dyn Read + Send>,
        name: String,
        vocabulary: &'static Vocabulary,
        max_ply: usize,
    ) -> PgnReader {
        PgnReader {
            reader: Reader::new(source),
            visitor: GameVisitor {
                vocabulary,
                max_ply,
            },
            name,
            report: Report::default(),
        }
    }

    /// The next game that is kept, with its number in the file; `None` at the end.
    pub fn next_game(&mut self) -> Result<Option<(u64, PgnGame)>> {
        loop {
            let game = match self.reader.read_game(&mut self.visitor) {
                Ok(Some(game)) => game,
                Ok(None) => return Ok(None),
                // The text, not its source: the reader goes on behind what it could not read.
                Err(error) if error.kind() == io::ErrorKind::InvalidData => Err(Dropped::Malformed),
                Err(error) => return Err(read_error(&self.name, &error)),
            };
            self.report.n_read += 1;
            match game {
                Ok(game) => return Ok(Some((self.report.n_read - 1, game))),
                Err(reason) => self.report.n_dropped[reason as usize] += 1,
            }
        }
    }

    /// What became of the games read so far.
    pub fn report(&self) -> Report {
        self.report
    }

    pub fn vocabulary(&self) -> &'static Vocabulary {
        self.visitor.vocabulary
    }

    pub fn max_ply(&self) -> usize {
        self.visitor.max_ply
    }
}

fn read_error(name: &str, error: &io::Error) -> Error {
    Error::Read {
        path: name.to_owned(),
        reason: error.to_string(),
    }
}

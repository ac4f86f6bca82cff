//! Real games: PGN, and lines of UCI moves, streamed into tokens.
//!
//! A file is read in blocks (`blocks`), a block is cut where games seem to start, and its pieces
//! are read in parallel. That a piece really starts where a game does shows when the piece before
//! it has been read: games are those of the sequential order, whatever the blocks and threads.

mod ahead;
mod batch;
mod blocks;
mod columns;
pub mod comment;
mod date;
mod ending;
mod filter;
mod flat;
mod format;
mod game;
mod games;
mod glyphs;
mod junk;
mod lexer;
mod report;
pub mod san;
mod scan;
mod skim;
mod source;
mod tags;
mod time_control;
mod uci;
mod usual;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use memchr::memmem;

pub use batch::{Batch, Place};
pub use columns::Columns;
pub use date::Date;
pub use ending::Ending;
pub use filter::{Filter, Span};
pub use flat::FlatGames;
pub use format::{Format, Notation};
pub use report::{Dropped, Report};
pub use tags::Text;
pub use time_control::{Speed, TimeControl, TimeControls};

use crate::error::{Error, Result};
use crate::threads::Workers;
use ahead::Ahead;
use blocks::{BLOCK, Blocks, LONGEST_GAME};
use games::Games;
use source::{Input, Opened};

/// Reads games in constant memory.
pub struct Reader<B> {
    blocks: Blocks,
    /// Bytes of the file that were read, perhaps ahead.
    n_read: Arc<AtomicU64>,
    format: Format,
    workers: Workers<'static>,
    name: String,
    /// Behind the last game that was taken.
    place: Place,
    parsed: Vec<Games>,
    /// Bytes before the text of the parsed games.
    base: u64,
    next: Cursor,
    /// The batch being filled, which outlives an interrupted call.
    batch: B,
}

/// The next game of those that were parsed.
#[derive(Default)]
struct Cursor {
    piece: usize,
    record: usize,
    ply: usize,
}

impl<B: Batch> Reader<B> {
    /// Read a file, plain, zstd, gzip or bzip2, from this place on.
    pub fn open(
        path: &Path,
        format: Format,
        workers: Workers<'static>,
        place: Place,
    ) -> Result<Reader<B>> {
        let name = path.display().to_string();
        let opened = source::open(path, place.byte.saturating_sub(1));
        let opened = opened.map_err(|error| read_error(&name, error))?;
        let n_read = opened.n_read.clone();
        let (blocks, workers) = ahead(opened, workers, place)?;
        Ok(Reader {
            n_read,
            place,
            ..Reader::new(blocks, name, format, workers)
        })
    }

    /// Read from memory, from this place on.
    pub fn from_bytes(
        bytes: Vec<u8>,
        format: Format,
        workers: Workers<'static>,
        place: Place,
    ) -> Reader<B> {
        let blocks = Blocks::behind(place, 0, Box::new(io::Cursor::new(bytes)));
        Reader {
            place,
            ..Reader::new(blocks, "pgn".to_owned(), format, workers)
        }
    }

    fn new(blocks: Blocks, name: String, format: Format, workers: Workers<'static>) -> Reader<B> {
        Reader {
            blocks,
            n_read: Arc::default(),
            format,
            workers,
            name,
            place: Place::default(),
            parsed: Vec::new(),
            base: 0,
            next: Cursor::default(),
            batch: B::new(format),
        }
    }

    /// Up to `n` games that are kept; none at the end of the file.
    pub fn next_batch(&mut self, n: usize) -> Result<B> {
        loop {
            if let Some(batch) = self.step(n)? {
                return Ok(batch);
            }
        }
    }

    /// Some milliseconds of [`next_batch`](Reader::next_batch); the batch once it is complete.
    pub fn step(&mut self, n: usize) -> Result<Option<B>> {
        while !self.batch.is_full(n) && self.take() {}
        if !self.batch.is_full(n) {
            match self.parse_block() {
                Ok(true) => return Ok(None),
                // The games before the place come first; the next call meets the error again.
                Err(Error::Read { .. }) if !self.batch.is_empty() => {}
                parsed => drop(parsed?),
            }
        }
        let mut batch = std::mem::replace(&mut self.batch, B::new(self.format));
        batch.close(self.place, self.n_read.load(Ordering::Relaxed));
        Ok(Some(batch))
    }

    /// What games are read for.
    pub fn format(&self) -> Format {
        self.format
    }

    /// What became of the games read so far.
    pub fn report(&self) -> Report {
        self.place.report
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
        let report = &mut self.place.report;
        match record {
            Ok(record) => {
                let number = report.n_read;
                self.batch.push(number, games, record, self.next.ply);
                self.next.ply += record.length;
                report.n_cut += u64::from(record.is_cut);
            }
            Err(reason) => {
                self.batch.skip();
                report.n_dropped[*reason as usize] += 1;
            }
        }
        report.n_read += 1;
        self.place.byte = self.base + games.ends[self.next.record] as u64 - 1;
        self.next.record += 1;
        true
    }

    /// Parse some more text; false at the end of the file.
    fn parse_block(&mut self) -> Result<bool> {
        self.next = Cursor::default();
        self.parsed.clear();
        let approached = self.blocks.approach();
        if approached.map_err(|error| read_error(&self.name, error))? {
            return Ok(true);
        }
        if self.blocks.is_last() && self.blocks.len() == 0 {
            return Ok(false);
        }
        // A game longer than the block doubles it.
        let size = (BLOCK * self.workers.count()).max(self.blocks.len());
        let room = LONGEST_GAME.saturating_sub(self.blocks.len());
        self.blocks.extend(size.min(room));
        self.place.is_macintosh = self.blocks.is_macintosh();
        let mut consumed = match self.blocks.window() {
            [] => 0,
            _ => self.parse_pieces()?,
        };
        if consumed == 0
            && let Some(error) = self.blocks.failure()
        {
            let n_read = self.report().n_read;
            let reason = format!("{error}, after {n_read} whole games");
            return Err(read_error(&self.name, reason));
        }
        if consumed == 0 && self.blocks.len() >= LONGEST_GAME {
            consumed = self.blocks.len();
            self.parsed = vec![Games::of_one_dropped(Dropped::Malformed, consumed + 1)];
        }
        self.base = self.blocks.at();
        self.blocks.consume(consumed);
        Ok(true)
    }

    /// Parse the window; return how much of it was whole games.
    fn parse_pieces(&mut self) -> Result<usize> {
        let (text, is_last) = (self.blocks.window(), self.blocks.is_last());
        let starts = likely_starts(text, self.format.notation, self.workers.count());
        let stops = starts[1..].iter().copied().chain([text.len()]);
        let pieces: Vec<_> = starts.iter().copied().zip(stops).collect();
        let read = self.workers.map(pieces, |(start, stop)| {
            let mut games = Games::default();
            let end = games.read(text, start, stop, is_last, self.format);
            (start, end, games)
        })?;
        let mut next = 1;
        for (start, end, games) in read {
            if start != next {
                break;
            }
            next = end;
            self.parsed.push(games);
        }
        Ok(next - 1)
    }
}

/// Where to cut a window for this many threads: its start, and places that look like starts of
/// games.
fn likely_starts(text: &[u8], notation: Notation, n_pieces: usize) -> Vec<usize> {
    let border: &[u8] = match notation {
        Notation::Pgn => b"\n[Event \"",
        Notation::Uci => b"\n",
    };
    let mut starts = vec![1];
    for piece in 1..n_pieces {
        let from = text.len() / n_pieces * piece;
        if let Some(found) = memmem::find(&text[from..], border) {
            starts.push(from + found + 1);
        }
    }
    starts.dedup();
    starts
}

/// The text behind this place, and the threads to parse it. One of several decompresses ahead of the
/// others.
fn ahead(
    opened: Opened,
    workers: Workers<'static>,
    place: Place,
) -> Result<(Blocks, Workers<'static>)> {
    let (source, workers): (Input, _) = match opened.is_compressed && workers.count() > 1 {
        true => {
            let others = Workers::new(Some(workers.count() - 1))?;
            (Box::new(Ahead::new(opened.source)), others)
        }
        false => (opened.source, workers),
    };
    let blocks = Blocks::behind(place, opened.skipped, source);
    Ok((blocks, workers))
}

fn read_error(name: &str, reason: impl ToString) -> Error {
    Error::Read {
        path: name.to_owned(),
        reason: reason.to_string(),
    }
}

//! A file as blocks of text, in constant memory.

use std::io::{self, Read};

use super::source::Input;

/// What is read at a time for each thread; it stays in the cache of a core.
pub const BLOCK: usize = 1 << 18;

/// The longest text of one game. More is no game, and is dropped as malformed.
pub const LONGEST_GAME: usize = 1 << 24;

/// A window over a stream: text that was read and not yet consumed.
pub struct Blocks {
    source: Input,
    buffer: Vec<u8>,
    start: usize,
    is_last: bool,
}

impl Blocks {
    pub fn new(source: Input) -> Blocks {
        Blocks {
            source,
            buffer: Vec::new(),
            start: 0,
            is_last: false,
        }
    }

    /// The window.
    pub fn text(&self) -> &[u8] {
        &self.buffer[self.start..]
    }

    /// Whether nothing comes behind the window.
    pub fn is_last(&self) -> bool {
        self.is_last
    }

    /// Move the start of the window.
    pub fn consume(&mut self, n: usize) {
        self.start += n;
    }

    /// Read more, up to this many bytes.
    pub fn extend(&mut self, n: usize) -> io::Result<()> {
        self.buffer.drain(..self.start);
        self.start = 0;
        let mut source = self.source.by_ref().take(n as u64);
        self.is_last = source.read_to_end(&mut self.buffer)? < n;
        Ok(())
    }
}

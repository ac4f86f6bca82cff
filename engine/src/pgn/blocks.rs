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
    /// Why nothing more can be read. What was read before is as good as without it.
    failure: Option<io::Error>,
}

impl Blocks {
    pub fn new(source: Input) -> Blocks {
        Blocks {
            source,
            buffer: Vec::new(),
            start: 0,
            is_last: false,
            failure: None,
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

    /// Why reading broke off; the window is then the last, but its end is not that of the text.
    pub fn failure(&self) -> Option<&io::Error> {
        self.failure.as_ref()
    }

    /// Move the start of the window.
    pub fn consume(&mut self, n: usize) {
        self.start += n;
    }

    /// Read more, up to this many bytes.
    pub fn extend(&mut self, n: usize) {
        self.buffer.drain(..self.start);
        self.start = 0;
        if self.failure.is_some() {
            return;
        }
        match self
            .source
            .by_ref()
            .take(n as u64)
            .read_to_end(&mut self.buffer)
        {
            Ok(length) => self.is_last = length < n,
            Err(error) => self.failure = Some(error),
        }
    }
}

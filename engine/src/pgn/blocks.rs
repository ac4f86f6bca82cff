//! A file as blocks of text, in constant memory.

use std::io::{self, Read};

use memchr::memchr;

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
    /// Whether lines end with carriage returns alone, as old Macintoshes wrote them.
    is_macintosh: Option<bool>,
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
            is_macintosh: None,
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
        let before = self.buffer.len();
        let mut source = self.source.by_ref().take(n as u64);
        match source.read_to_end(&mut self.buffer) {
            Ok(length) => self.is_last = length < n,
            Err(error) => self.failure = Some(error),
        }
        self.end_lines(before);
    }

    /// Let lines end with line feeds from here on, where the first text has carriage returns alone.
    fn end_lines(&mut self, from: usize) {
        let text = &mut self.buffer[from..];
        let has_none = || memchr(b'\n', text).is_none() && memchr(b'\r', text).is_some();
        if *self.is_macintosh.get_or_insert_with(has_none) {
            for byte in text.iter_mut().filter(|byte| **byte == b'\r') {
                *byte = b'\n';
            }
        }
    }
}

//! A file as blocks of text, in constant memory.

use std::io::{self, Read};

use memchr::memchr;

use super::batch::Place;
use super::source::Input;

/// What is read at a time for each thread; it stays in the cache of a core.
pub const BLOCK: usize = 1 << 18;

/// The longest text of one game. More is no game, and is dropped as malformed.
pub const LONGEST_GAME: usize = 1 << 24;

/// Bytes that are decompressed at a time on the way to the place where reading begins.
const STRIDE: u64 = 1 << 24;

/// A window over a stream: text that was read and not yet consumed, and the byte before it.
pub struct Blocks {
    source: Input,
    buffer: Vec<u8>,
    /// Where the text starts in the buffer, behind the byte before it.
    start: usize,
    /// Bytes of the stream before the text.
    at: u64,
    /// Bytes of the stream before the place where reading begins.
    ahead: u64,
    is_last: bool,
    /// Whether lines end with carriage returns alone, as old Macintoshes wrote them.
    is_macintosh: Option<bool>,
    /// Why nothing more can be read. What was read before is as good as without it.
    failure: Option<io::Error>,
}

impl Blocks {
    /// The whole stream, which a line break may be thought before.
    fn new(source: Input) -> Blocks {
        Blocks {
            source,
            buffer: vec![b'\n'],
            start: 1,
            at: 0,
            ahead: 0,
            is_last: false,
            is_macintosh: None,
            failure: None,
        }
    }

    /// What stands behind this place of a stream, of which so many bytes are left out already, not
    /// those of the byte before the place.
    pub fn behind(place: Place, skipped: u64, source: Input) -> Blocks {
        match place.byte {
            0 => Blocks::new(source),
            at => Blocks {
                buffer: Vec::new(),
                at,
                ahead: at - 1 - skipped,
                is_macintosh: Some(place.is_macintosh),
                ..Blocks::new(source)
            },
        }
    }

    /// Come nearer to the place where reading begins; false where it is reached.
    pub fn approach(&mut self) -> io::Result<bool> {
        if self.ahead == 0 {
            return Ok(false);
        }
        let stride = self.ahead.min(STRIDE);
        let passed = io::copy(&mut self.source.by_ref().take(stride), &mut io::sink())?;
        self.ahead -= passed;
        match passed == stride {
            true => Ok(true),
            false => Err(short()),
        }
    }

    /// The text, from place 1 on; at place 0 the byte before it.
    pub fn window(&self) -> &[u8] {
        &self.buffer[self.start - 1..]
    }

    /// Bytes of text.
    pub fn len(&self) -> usize {
        self.buffer.len().saturating_sub(self.start)
    }

    /// Bytes of the stream before the text.
    pub fn at(&self) -> u64 {
        self.at
    }

    /// Whether carriage returns alone end the lines; not known before the first text is read.
    pub fn is_macintosh(&self) -> bool {
        self.is_macintosh == Some(true)
    }

    /// Whether nothing comes behind the window.
    pub fn is_last(&self) -> bool {
        self.is_last
    }

    /// Why reading broke off; the window is then the last, but its end is not that of the text.
    pub fn failure(&self) -> Option<&io::Error> {
        self.failure.as_ref()
    }

    /// Move the start of the text.
    pub fn consume(&mut self, n: usize) {
        self.start += n;
        self.at += n as u64;
    }

    /// Read more, up to this many bytes.
    pub fn extend(&mut self, n: usize) {
        self.buffer.drain(..self.start - 1);
        self.start = 1;
        if self.failure.is_some() {
            return;
        }
        let before = self.buffer.len();
        // The byte before the text comes with the first.
        let n = if before == 0 { n + 1 } else { n };
        let mut source = self.source.by_ref().take(n as u64);
        match source.read_to_end(&mut self.buffer) {
            Ok(0) if before == 0 => self.failure = Some(short()),
            Ok(length) => self.is_last = length < n,
            Err(error) => self.failure = Some(error),
        }
        self.end_lines(before);
    }

    /// Let lines end with line feeds from here on, where the first text has carriage returns alone.
    fn end_lines(&mut self, from: usize) {
        let text = &mut self.buffer[from..];
        let has_none = || {
            let first = &text[..text.len().min(BLOCK)];
            memchr(b'\n', first).is_none() && memchr(b'\r', first).is_some()
        };
        if *self.is_macintosh.get_or_insert_with(has_none) {
            for byte in text.iter_mut().filter(|byte| **byte == b'\r') {
                *byte = b'\n';
            }
        }
    }
}

fn short() -> io::Error {
    io::Error::other("it ends before the place where reading should go on")
}

//! A stream that is read ahead on a thread of its own.

use std::io::{self, Read};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread;

use super::blocks::BLOCK;
use super::source::Input;

/// Blocks that wait to be taken.
const WAITING: usize = 4;

/// The far end of the stream; dropping it ends the thread.
pub struct Ahead {
    blocks: Receiver<io::Result<Vec<u8>>>,
    block: io::Cursor<Vec<u8>>,
    /// The process that has the thread: a child made by fork has not.
    home: u32,
}

impl Ahead {
    pub fn new(source: Input) -> Ahead {
        let (sender, blocks) = mpsc::sync_channel(WAITING);
        thread::spawn(move || send_all(source, &sender));
        Ahead {
            blocks,
            block: io::Cursor::default(),
            home: std::process::id(),
        }
    }
}

/// Send blocks until the stream ends or fails, or nobody wants them.
fn send_all(mut source: Input, blocks: &SyncSender<io::Result<Vec<u8>>>) {
    loop {
        let mut block = Vec::with_capacity(BLOCK);
        let read = source.by_ref().take(BLOCK as u64).read_to_end(&mut block);
        let is_last = !matches!(read, Ok(length) if length == BLOCK);
        // What was read before an error is as good as without it.
        let sent = blocks.send(Ok(block)).is_ok();
        if let (Err(error), true) = (read, sent) {
            // Nobody wants the error either where this fails.
            drop(blocks.send(Err(error)));
        }
        if is_last || !sent {
            return;
        }
    }
}

impl Read for Ahead {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let n = self.block.read(buffer)?;
            if n > 0 || buffer.is_empty() {
                return Ok(n);
            }
            if self.home != std::process::id() {
                return Err(io::Error::other(
                    "the process was forked while it was read; open it again",
                ));
            }
            match self.blocks.recv() {
                Ok(block) => self.block = io::Cursor::new(block?),
                Err(_) => return Ok(0),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Failing(usize);

    impl Read for Failing {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let n = buffer.len().min(self.0);
            self.0 -= n;
            buffer[..n].fill(b'x');
            match n {
                0 => Err(io::Error::other("broken")),
                _ => Ok(n),
            }
        }
    }

    #[test]
    fn a_stream_is_the_same_ahead() {
        let bytes: Vec<u8> = (0..3 * BLOCK + 17).map(|i| i as u8).collect();
        let mut read = Vec::new();
        let mut ahead = Ahead::new(Box::new(io::Cursor::new(bytes.clone())));
        ahead.read_to_end(&mut read).unwrap();
        assert_eq!(read, bytes);
    }

    #[test]
    fn an_error_comes_behind_what_was_read() {
        let mut read = Vec::new();
        let mut ahead = Ahead::new(Box::new(Failing(BLOCK + 5)));
        let error = ahead.read_to_end(&mut read).unwrap_err();
        assert_eq!(
            (read.len(), error.to_string().as_str()),
            (BLOCK + 5, "broken")
        );
    }
}

//! Games as lines of UCI moves.

use memchr::memchr;

use super::format::Format;
use super::game::Reading;
use super::games::{Games, Record};
use super::report::Dropped;
use super::tags::Tags;
use crate::playout::{San, SanGame};

impl Games {
    /// Read the lines that start in `text[start..stop]`; where the next one starts. The last line
    /// of a file needs no line break.
    pub fn read_uci(
        &mut self,
        text: &[u8],
        start: usize,
        stop: usize,
        is_last: bool,
        format: Format,
    ) -> usize {
        let mut game = SanGame::start();
        let mut at = start;
        while at < stop {
            let line = match memchr(b'\n', &text[at..]) {
                Some(length) => &text[at..at + length],
                None if is_last => &text[at..],
                None => return at,
            };
            let before = self.mark();
            let record = Reading::new(self, &mut game, format).read_uci(line);
            at = (at + line.len() + 1).min(text.len());
            self.push(record, before, at);
        }
        at
    }
}

impl Reading<'_> {
    fn read_uci(mut self, line: &[u8]) -> Result<Record, Dropped> {
        let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        let words = line.split(u8::is_ascii_whitespace);
        for word in words.filter(|word| !word.is_empty()) {
            let san = parse(word)?;
            self.play(self.castling_of(san))?;
        }
        self.finish(Tags::default())
    }
}

/// The move of a word; a null move can be read, but not played.
fn parse(word: &[u8]) -> Result<San, Dropped> {
    let (squares, promotion) = match word {
        b"0000" => return Err(Dropped::IllegalMove),
        [from @ .., promotion] if from.len() == 4 => (from, role(*promotion)),
        _ => (word, Some(0)),
    };
    let (Ok(&[a, b, c, d]), Some(promotion)) = (<&[u8; 4]>::try_from(squares), promotion) else {
        return Err(Dropped::Malformed);
    };
    let (Some(from), Some(to)) = (square(a, b), square(c, d)) else {
        return Err(Dropped::Malformed);
    };
    Ok(San {
        role: 0,
        from: 1 << from,
        to,
        promotion,
    })
}

fn square(file: u8, rank: u8) -> Option<usize> {
    let (file, rank) = (file.wrapping_sub(b'a'), rank.wrapping_sub(b'1'));
    (file < 8 && rank < 8).then(|| 8 * usize::from(rank) + usize::from(file))
}

/// The role promoted to, as in `shakmaty::Role`.
fn role(letter: u8) -> Option<usize> {
    let index = b"nbrq".iter().position(|&role| role == letter)?;
    Some(index + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_moves_or_malformed() {
        let read = |word: &str| parse(word.as_bytes()).map(|san| (san.from, san.to, san.promotion));
        assert_eq!(read("e2e4"), Ok((1 << 12, 28, 0)));
        assert_eq!(read("a7a8q"), Ok((1 << 48, 56, 5)));
        assert_eq!(read("0000"), Err(Dropped::IllegalMove));
        for word in ["e2", "e2e9", "i2e4", "a7a8k", "a7a8Q", "e2e4e5", "e2-e4"] {
            assert_eq!(read(word), Err(Dropped::Malformed), "{word}");
        }
    }
}

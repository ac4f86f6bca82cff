//! The movetext of servers, read without tokens: `1. e4 { [%clk 0:03:00] } 1... e5 2. Nf3 `.

use super::lexer::Lexer;
use super::san;
use super::scan::{SPAN, places_of};
use crate::playout::San;

/// Bytes that are looked at in one step; what is nearer to the end of its text is read by tokens.
const WINDOW: usize = 2 * SPAN;

/// What most movetexts are made of, behind the first move.
pub enum Usual<'a> {
    Move(San),
    Comment(&'a [u8]),
}

impl<'a> Lexer<'a> {
    /// Go past the comment that stands here, or past the move of `side` (0 white, 1 black) with its
    /// number and the space behind it. `None` and no step for whatever else, and for what tokens
    /// would not make the same of.
    #[inline(always)]
    pub fn next_usual(&mut self, side: usize) -> Option<Usual<'a>> {
        let window = self.rest().first_chunk()?;
        let start = usize::from(window[0] == b' ');
        if window[start] == b'{' {
            let end = comment_end(window)?;
            let comment = &self.text[self.at + start + 1..self.at + end];
            self.at += end + 1;
            return Some(Usual::Comment(comment));
        }
        let start = behind_number(window, start)?;
        let (san, length) = san::parse_plain(&window[start..])
            .or_else(|| followed_by_space(&self.text[self.at + start..], side))?;
        self.at += start + length + 1;
        Some(Usual::Move(san))
    }
}

/// A move that is spelt in any other way, with a space behind it. Tokens start words at letters;
/// what starts with a digit or a sign is more than a word to them.
#[inline(never)]
fn followed_by_space(text: &[u8], side: usize) -> Option<(San, usize)> {
    let is_word = text.first().is_some_and(u8::is_ascii_alphabetic);
    let read = is_word.then(|| san::parse(text, side)).flatten();
    read.filter(|(_, length)| text.get(*length) == Some(&b' '))
}

/// The place behind a move number, its dots and a space: this one where no number stands here.
#[inline(always)]
fn behind_number(window: &[u8; WINDOW], start: usize) -> Option<usize> {
    let mut at = start;
    if !matches!(window[at], b'1'..=b'9') {
        return Some(at);
    }
    while window[at].is_ascii_digit() {
        at = (at + 1) % WINDOW;
    }
    if window[at] != b'.' {
        return None;
    }
    while window[at] == b'.' {
        at = (at + 1) % WINDOW;
    }
    let is_near = at < WINDOW / 2;
    is_near.then(|| at + usize::from(window[at] == b' '))
}

/// Where the comment ends that starts at one of the first two bytes; `None` where that is not seen,
/// or where it goes on in another line.
#[inline(always)]
fn comment_end(window: &[u8; WINDOW]) -> Option<usize> {
    let halves = window.as_chunks::<SPAN>().0;
    let end = match places_of([b'}', b'\n'], &halves[0]) {
        0 => SPAN as u32 + places_of([b'}', b'\n'], &halves[1]).trailing_zeros(),
        places => places.trailing_zeros(),
    };
    (window.get(end as usize) == Some(&b'}')).then_some(end as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is read of a text, and what is left.
    fn read(text: &str) -> (Option<String>, String) {
        let text = format!("{text}{}", " ".repeat(WINDOW));
        let mut lexer = Lexer {
            text: text.as_bytes(),
            at: 0,
        };
        let usual = lexer.next_usual(0).map(|usual| match usual {
            Usual::Move(san) => format!("{} to {}", san.role, san.to),
            Usual::Comment(comment) => String::from_utf8_lossy(comment).into_owned(),
        });
        let rest = String::from_utf8_lossy(lexer.rest());
        (usual, rest.trim_end().to_owned())
    }

    #[test]
    fn moves_with_and_without_numbers_and_comments_are_read() {
        for (text, usual, rest) in [
            ("e4 e5", "1 to 28", "e5"),
            (" 12. Nf3 x", "2 to 21", "x"),
            ("103...e4 x", "1 to 28", "x"),
            ("1. O-O x", "6 to 6", "x"),
            ("7... Nbxd2+ x", "2 to 11", "x"),
            ("{ [%clk 0:00:01] } x", " [%clk 0:00:01] ", " x"),
            (" {} x", "", " x"),
            (
                "{ a comment that is longer than half of what is seen } x",
                " a comment that is longer than half of what is seen ",
                " x",
            ),
        ] {
            assert_eq!(read(text), (Some(usual.to_owned()), rest.to_owned()));
        }
    }

    #[test]
    fn whatever_else_is_left_for_tokens() {
        for text in [
            "1-0",
            "1/2-1/2",
            "0-1",
            "*",
            "1. *",
            "1. {x} e4",
            "e4\n",
            "e4",
            "e4! e5",
            "(e4)",
            "$1",
            "{ in two\nlines }",
            "{ no end",
            "  e4 e5",
            "10 e4",
            "0-0 e5",
            "9...1g6 x",
            "1g6 x",
            "-e4 x",
            "♘f3 x",
            "--",
            "}",
            "Nf9 e5",
        ] {
            let text = format!("{text}\n");
            assert_eq!(read(&text), (None, text.trim_end().to_owned()));
        }
        let mut lexer = Lexer {
            text: b"e4 e5",
            at: 0,
        };
        assert!(lexer.next_usual(0).is_none());
    }
}

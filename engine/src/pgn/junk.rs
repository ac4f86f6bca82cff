//! Text between games that belongs to none: titles, mail headers, comments before the tags.

use memchr::memchr;

use super::lexer::{Lexer, Token, starts_tag};
use super::san;

impl Lexer<'_> {
    /// Go past a comment, a score or a paragraph that is no game; false where there is none.
    pub fn skip_junk(&mut self, is_last: bool) -> bool {
        if self.starts_pair() || !self.starts_junk(is_last) {
            return false;
        }
        let mut ahead = *self;
        match ahead.next_apart() {
            Token::Comment(_) | Token::Score(_) => *self = ahead,
            _ => self.skip_paragraph(),
        }
        true
    }

    /// Whether a tag pair starts here: a bracket, a name, a quote. The text may end in it.
    fn starts_pair(&self) -> bool {
        let tag = self.rest();
        let line = &tag[..memchr(b'\n', tag).unwrap_or(tag.len())];
        match line.iter().position(|&byte| byte == b'"' || byte == b']') {
            Some(end) => line[end] == b'"' && starts_tag(line),
            None => line.len() == tag.len() && line.starts_with(b"["),
        }
    }

    /// Whether there is no move where the first one would stand. A text that goes on may show one.
    fn starts_junk(mut self, is_last: bool) -> bool {
        if is_first_number(self.rest()) {
            return false;
        }
        loop {
            match self.next_apart() {
                Token::Number(_) | Token::Comment(_) => {}
                Token::Broken => return false,
                Token::Score(_) | Token::End => return is_last || !self.is_at_end(),
                Token::Word => {
                    let is_move = san::length(self.rest()).is_some();
                    self.skip_word();
                    return !is_move && (is_last || !self.is_at_end());
                }
            }
        }
    }

    /// Go to the empty line, the tag or the first move number behind these lines.
    fn skip_paragraph(&mut self) {
        loop {
            self.skip_line();
            match self.rest() {
                [] | [b'\n'] | [b'\n', b'\n' | b'\r' | b'[', ..] => return,
                [_, line @ ..] if is_first_number(line) => return,
                _ => self.at += 1,
            }
        }
    }
}

fn is_first_number(text: &[u8]) -> bool {
    text.starts_with(b"1.")
}

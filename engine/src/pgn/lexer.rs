//! The main line of a movetext, token by token; variations, glyphs and line comments are skipped.

use memchr::{memchr, memchr2};

use super::glyphs;

/// A part of the main line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Token<'a> {
    /// What may be a move; it is not consumed.
    Word,
    /// A move number.
    Number(u32),
    /// The mark that ends a game: 1 white won, 0 drawn, -1 black won, `None` unknown.
    Score(Option<i8>),
    Comment(&'a [u8]),
    /// A comment or variation without an end, or an end without a start.
    Broken,
    /// An empty line, the tags of the next game, or the end of the text.
    End,
}

/// Where in a text reading has come. Whatever needs more text than there is stops at its end.
#[derive(Debug, Clone, Copy)]
pub struct Lexer<'a> {
    pub text: &'a [u8],
    pub at: usize,
}

const NEXT_GAME: &[u8] = b"[Event \"";
/// Bytes of a dash and the half behind it.
const LONGEST_HALF: usize = 6;

impl<'a> Lexer<'a> {
    pub fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    pub fn rest(&self) -> &'a [u8] {
        &self.text[self.at..]
    }

    pub fn is_at_end(&self) -> bool {
        self.at >= self.text.len()
    }

    /// The next token of the main line, where few are read: the loop over moves has its own copy.
    #[inline(never)]
    pub fn next_apart(&mut self) -> Token<'a> {
        self.next()
    }

    /// The next token of the main line.
    #[inline(always)]
    pub fn next(&mut self) -> Token<'a> {
        loop {
            let Some(byte) = self.peek() else {
                return Token::End;
            };
            match byte {
                b' ' | b'\t' | b'\r' | 0x0b | 0x0c | b'.' | b'!' | b'?' => self.at += 1,
                b'\n' if self.ends_game() => return Token::End,
                b'\n' => {}
                b'{' => return self.comment(),
                b'0'..=b'9' => return self.number(),
                b'(' if self.skip_variation() => {}
                b'(' => return Token::Broken,
                b')' | b'}' => {
                    self.at += 1;
                    return Token::Broken;
                }
                b';' => self.skip_line(),
                b'$' => self.skip_while(|byte| byte == b'$' || byte.is_ascii_digit()),
                b'+' | b'=' => self.skip_glyph(),
                b'-' if self.text.get(self.at + 1) == Some(&b'-') => return Token::Word,
                b'-' => self.skip_glyph(),
                b',' | b'~' | b'<' | b'>' | b'^' | b'|' | b'/' | b'\\' | b'#' => self.at += 1,
                b'*' => {
                    self.at += 1;
                    return Token::Score(None);
                }
                0x80.. => {
                    if let Some(token) = self.sign() {
                        return token;
                    }
                }
                _ => return Token::Word,
            }
        }
    }

    /// Skip what belongs to no game: empty lines, escaped lines, line comments, byte order marks.
    pub fn skip_between_games(&mut self) {
        loop {
            match self.rest() {
                [b' ' | b'\t' | b'\r' | b'\n', ..] => self.at += 1,
                [0xef, 0xbb, 0xbf, ..] => self.at += 3,
                [b'%', ..] if self.at == 0 || self.text[self.at - 1] == b'\n' => self.skip_line(),
                [b';', ..] => self.skip_line(),
                _ => return,
            }
        }
    }

    /// Go past the empty lines between tags, comments and moves; false where the game has no moves.
    #[cold]
    pub fn reaches_movetext(&mut self) -> bool {
        let before = self.at;
        self.skip_between_games();
        let is_tag = starts_tag(self.rest());
        if is_tag {
            self.at = before;
        }
        !is_tag && !self.is_at_end()
    }

    /// What stands behind the empty line that ended a game without a result. A score is that of the
    /// game, and is gone past; a number other than the first is the rest of a game torn apart.
    #[cold]
    pub fn behind_empty_line(&mut self) -> Token<'a> {
        let mut ahead = *self;
        ahead.skip_between_games();
        let token = ahead.next_apart();
        if ahead.is_at_end() || matches!(token, Token::Score(_)) {
            self.at = ahead.at;
        }
        token
    }

    /// Go past the word that starts here.
    pub fn skip_word(&mut self) -> &'a [u8] {
        let start = self.at;
        self.at += 1;
        self.skip_while(|byte| !byte.is_ascii_whitespace() && !b"{}();$".contains(&byte));
        &self.text[start..self.at]
    }

    /// Go to the end of this line.
    pub fn skip_line(&mut self) {
        self.at += memchr(b'\n', self.rest()).unwrap_or(self.rest().len());
    }

    pub fn skip_while(&mut self, skipped: impl Fn(u8) -> bool) {
        let rest = self.rest();
        let end = rest.iter().position(|&byte| !skipped(byte));
        self.at += end.unwrap_or(rest.len());
    }

    /// Signs of who stands better: `+-`, `=`, `+/=`.
    fn skip_glyph(&mut self) {
        self.skip_while(|byte| b"+-=/".contains(&byte));
    }

    /// A sign that is not ASCII: half a point, or the figurine of a move. Others say who stands
    /// better, or are spaces, and are skipped; letters may be a word of another language.
    #[cold]
    fn sign(&mut self) -> Option<Token<'a>> {
        let (sign, length) = glyphs::character(self.rest())?;
        match sign {
            '½' => return Some(self.half()),
            _ if sign.is_alphanumeric() || glyphs::is_figurine(sign) => return Some(Token::Word),
            _ => self.at += length,
        }
        None
    }

    /// Whether this line break ends the game; goes past it where not.
    #[inline]
    fn ends_game(&mut self) -> bool {
        let line = &self.text[self.at + 1..];
        let indent = line.iter().position(|byte| !b" \t\r".contains(byte));
        match line {
            [b'[', ..] if starts_tag(line) => return true,
            [b'[' | b'%'] => self.at = self.text.len(),
            [b'%', ..] => {
                self.at += 1;
                self.skip_line();
            }
            _ => match indent {
                Some(indent) if line[indent] == b'\n' => return true,
                Some(indent) => self.at += 1 + indent,
                None => self.at = self.text.len(),
            },
        }
        false
    }

    /// A comment in braces. One that swallows the tags of the next game has no end.
    #[inline]
    fn comment(&mut self) -> Token<'a> {
        let start = self.at + 1;
        let mut at = start;
        while let Some(found) = memchr2(b'}', b'\n', &self.text[at..]) {
            at += found;
            if self.text[at] == b'}' {
                self.at = at + 1;
                return Token::Comment(&self.text[start..at]);
            }
            if self.text[at + 1..].starts_with(NEXT_GAME) {
                self.at = at;
                return Token::Broken;
            }
            at += 1;
        }
        self.at = self.text.len();
        Token::Broken
    }

    /// Go past a variation and all inside it; false where it has no end.
    fn skip_variation(&mut self) -> bool {
        let mut depth = 0;
        while let Some(byte) = self.peek() {
            match byte {
                b'{' => match self.comment() {
                    Token::Comment(_) => continue,
                    _ => return false,
                },
                b';' => {
                    self.skip_line();
                    continue;
                }
                b'\n' if self.ends_game() => return false,
                b'\n' => continue,
                b'(' => depth += 1,
                b')' => depth -= 1,
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                return true;
            }
        }
        false
    }

    /// A move number with its dots, a score, or castling with zeros.
    #[inline(always)]
    fn number(&mut self) -> Token<'a> {
        if let Some(token) = self.score() {
            return token;
        }
        let mut number: u32 = 0;
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            number = number
                .saturating_mul(10)
                .saturating_add(u32::from(digit - b'0'));
            self.at += 1;
        }
        self.skip_while(|byte| byte == b'.');
        Token::Number(number)
    }

    #[inline(always)]
    fn score(&mut self) -> Option<Token<'a>> {
        let (dash, digit) = match self.rest() {
            [b'1', b'/', b'2', ..] => return Some(self.half()),
            [b'0', b'0', b'0', b'0', ..] => return Some(Token::Word),
            [b'0' | b'1', rest @ ..] => {
                let dash = dash(rest)?;
                (dash, rest.get(dash).copied())
            }
            _ => return None,
        };
        let score = match (self.text[self.at], digit) {
            (b'1', Some(b'0')) => 1,
            (b'0', Some(b'1')) => -1,
            _ => return Some(Token::Word),
        };
        self.at += 2 + dash;
        Some(Token::Score(Some(score)))
    }

    /// `1/2-1/2`, `1/2` or `½-½`.
    fn half(&mut self) -> Token<'a> {
        let Some(half) = half_of(self.rest()) else {
            return Token::Word;
        };
        self.at += half;
        let rest = self.rest();
        match dash(rest).and_then(|dash| Some(dash + half_of(&rest[dash..])?)) {
            Some(other) => self.at += other,
            None if rest.len() < LONGEST_HALF && matches!(rest, [b'-' | 0xe2, ..]) => {
                self.at = self.text.len();
            }
            None => {}
        }
        Token::Score(Some(0))
    }
}

/// Whether a text starts with a bracket and a letter, as tags do.
#[inline]
pub fn starts_tag(text: &[u8]) -> bool {
    match text {
        [b'[', letter, ..] if letter.is_ascii_alphabetic() => true,
        [b'[', b' ' | b'\t', rest @ ..] => {
            let name = rest.trim_ascii_start();
            name.first().is_some_and(u8::is_ascii_alphabetic)
        }
        _ => false,
    }
}

/// Length of the dash that a text starts with: a hyphen, a colon, a dash of typesetters, a minus.
#[inline]
fn dash(text: &[u8]) -> Option<usize> {
    match text {
        [b'-' | b':', ..] => Some(1),
        [0xe2, 0x80, 0x90..=0x95, ..] | [0xe2, 0x88, 0x92, ..] => Some(3),
        _ => None,
    }
}

fn half_of(text: &[u8]) -> Option<usize> {
    match text {
        [b'1', b'/', b'2', ..] => Some(3),
        [0xc2, 0xbd, ..] => Some(2),
        [0xbd, ..] => Some(1),
        _ => None,
    }
}

//! Tag pairs: `[WhiteElo "1850"]`.

use std::ops::Range;

use memchr::{memchr2, memchr3};

use super::lexer::Lexer;

/// How the `Termination` tag says that the players ended the game.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Ending {
    /// `Normal`, or nothing said.
    #[default]
    Normal,
    OnTime,
    /// Abandoned, adjudicated, or anything else.
    Other,
}

/// The tag pairs that are kept. Texts are ranges of one buffer.
#[derive(Debug, Clone, Default)]
pub struct Tags {
    pub white_elo: Option<i16>,
    pub black_elo: Option<i16>,
    pub eco: Range<usize>,
    pub time_control: Range<usize>,
    pub site: Range<usize>,
    pub ending: Ending,
    pub is_variant: bool,
    pub has_start: bool,
}

/// What stands behind the tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    Movetext,
    /// The tags of another game.
    Game,
    /// A tag has no end.
    Broken,
}

const START: &str = "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq -";

impl Tags {
    /// Read all tag pairs of a game; texts are appended to `texts`.
    pub fn read(&mut self, lexer: &mut Lexer<'_>, texts: &mut String) -> Next {
        loop {
            let before = lexer.at;
            lexer.skip_between_games();
            if !matches!(lexer.rest(), [b'[', letter, ..] if letter.is_ascii_alphabetic()) {
                return Next::Movetext;
            }
            let gap = &lexer.text[before..lexer.at];
            let is_apart = gap.iter().filter(|&&byte| byte == b'\n').count() > 1;
            if is_apart && lexer.rest().starts_with(b"[Event ") {
                return Next::Game;
            }
            if !self.read_one(lexer, texts) {
                return Next::Broken;
            }
        }
    }

    /// Read one tag pair, or skip a line that only looks like one; false where the text ends in it.
    #[inline]
    fn read_one(&mut self, lexer: &mut Lexer<'_>, texts: &mut String) -> bool {
        lexer.at += 1;
        let start = lexer.at;
        lexer.skip_while(|byte| byte.is_ascii_alphanumeric() || b"_+#=:-".contains(&byte));
        let name = &lexer.text[start..lexer.at];
        lexer.skip_while(|byte| byte == b' ' || byte == b'\t');
        if lexer.peek() != Some(b'"') {
            return skip_behind(lexer, memchr2(b']', b'\n', lexer.rest()));
        }
        lexer.at += 1;
        let start = lexer.at;
        let Some(end) = value_end(lexer.text, start) else {
            lexer.at = lexer.text.len();
            return false;
        };
        lexer.at = end;
        self.set(name, &lexer.text[start..end], texts);
        match &lexer.text[end..] {
            [b'"', b']', ..] => lexer.at += 2,
            [b'\n', ..] => {}
            rest => return skip_behind(lexer, memchr2(b']', b'\n', rest)),
        }
        true
    }

    #[inline]
    fn set(&mut self, name: &[u8], value: &[u8], texts: &mut String) {
        match name {
            b"WhiteElo" => self.white_elo = elo(value),
            b"BlackElo" => self.black_elo = elo(value),
            b"ECO" => self.eco = append(texts, value),
            b"TimeControl" => self.time_control = append(texts, value),
            b"Site" => self.site = append(texts, value),
            b"Termination" => self.ending = ending(value),
            b"Variant" => self.is_variant = !is_standard(value),
            b"FEN" => self.has_start = !text_of(value).starts_with(START),
            _ => {}
        }
    }
}

/// Go behind a sign of the text, but not past a line break; false where there is none.
fn skip_behind(lexer: &mut Lexer<'_>, found: Option<usize>) -> bool {
    lexer.at += found.unwrap_or(lexer.rest().len());
    if lexer.peek() == Some(b']') {
        lexer.at += 1;
    }
    found.is_some()
}

/// Where a value ends: at its quote, or, without one, with its line.
#[inline]
fn value_end(text: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    loop {
        at += memchr3(b'"', b'\\', b'\n', text.get(at..)?)?;
        match text[at] {
            b'\\' => at += 2,
            _ => return Some(at),
        }
    }
}

#[inline]
fn append(texts: &mut String, value: &[u8]) -> Range<usize> {
    let start = texts.len();
    match std::str::from_utf8(value) {
        Ok(text) if !value.contains(&b'\\') => texts.push_str(text.trim()),
        _ => texts.push_str(&text_of(value)),
    }
    start..texts.len()
}

/// The text of a value: escapes resolved, bytes that are no UTF-8 replaced.
fn text_of(value: &[u8]) -> String {
    let text = String::from_utf8_lossy(value);
    let mut characters = text.trim().chars();
    let next = || match characters.next()? {
        '\\' => characters.next(),
        character => Some(character),
    };
    std::iter::from_fn(next).collect()
}

fn elo(value: &[u8]) -> Option<i16> {
    let text = std::str::from_utf8(value).ok()?;
    text.trim().parse().ok().filter(|&elo| elo > 0)
}

fn ending(value: &[u8]) -> Ending {
    let value = value.trim_ascii();
    if value.is_empty() || value.eq_ignore_ascii_case(b"Normal") {
        Ending::Normal
    } else if value.eq_ignore_ascii_case(b"Time forfeit") {
        Ending::OnTime
    } else {
        Ending::Other
    }
}

/// Whether a `Variant` tag names standard chess; `From Position` leaves it to the `FEN` tag.
fn is_standard(variant: &[u8]) -> bool {
    ["standard", "chess", "from position", "normal", ""]
        .iter()
        .any(|name| variant.trim_ascii().eq_ignore_ascii_case(name.as_bytes()))
}

//! Tag pairs: `[WhiteElo "1850"]`.

use std::ops::Range;

use memchr::{memchr, memchr2, memchr3, memrchr};

use super::date::Date;
use super::ending::Ending;
use super::lexer::{Lexer, Token, starts_tag};
use super::scan::places_of;
use super::time_control::TimeControl;

/// The tags whose texts are kept, as places in [`Tags::texts`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Text {
    Eco = 0,
    TimeControl = 1,
    Site = 2,
    White = 3,
    Black = 4,
    WhiteTitle = 5,
    BlackTitle = 6,
    Event = 7,
    /// `UTCDate`, else `Date`.
    Date = 8,
    /// `UTCTime`, else `Time`.
    Time = 9,
}

impl Text {
    pub const COUNT: usize = 10;

    /// How many there are where only the first are wanted.
    pub const ALWAYS: usize = 3;
}

/// Texts of tags, each a range of one buffer.
pub type Texts = [Range<usize>; Text::COUNT];

/// Where the texts of tags go, and which are looked at.
pub struct TextBuffer<'a> {
    pub text: &'a mut String,
    pub wanted: Wanted,
}

/// Tags that are read on request.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// How many of the kinds of [`Text`].
    pub n_texts: usize,
    /// The time control, the date, and whether a player is a program.
    pub conditions: bool,
}

/// The tag pairs that are kept.
#[derive(Debug, Clone, Default)]
pub struct Tags {
    pub white_elo: Option<i16>,
    pub black_elo: Option<i16>,
    pub texts: Texts,
    /// Not set where the tag is missing, or unknown.
    pub ending: Option<Ending>,
    /// As `Lexer` reads the mark that ends a game.
    pub score: Option<i8>,
    pub is_variant: bool,
    pub has_start: bool,
    /// Whether a player is a program.
    pub has_bot: bool,
    pub time_control: Option<TimeControl>,
    /// By `UTCDate`, and by `Date`.
    dates: [Option<Date>; 2],
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
/// `Variant` tags of standard chess; `From Position` leaves it to the `FEN` tag.
const STANDARD: [&str; 6] = [
    "standard",
    "chess",
    "classical",
    "from position",
    "normal",
    "",
];

impl Tags {
    /// Read all tag pairs of a game.
    pub fn read(&mut self, lexer: &mut Lexer<'_>, buffer: &mut TextBuffer<'_>) -> Next {
        loop {
            let before = lexer.at;
            lexer.skip_between_games();
            if !starts_tag(lexer.rest()) {
                return Next::Movetext;
            }
            let gap = &lexer.text[before..lexer.at];
            let is_apart = gap.iter().filter(|&&byte| byte == b'\n').count() > 1;
            if is_apart && lexer.rest().starts_with(b"[Event ") {
                return Next::Game;
            }
            if !self.read_one(lexer, buffer) {
                return Next::Broken;
            }
        }
    }

    /// Read one tag pair, or skip a line that only looks like one; false where the text ends in it.
    #[inline]
    fn read_one(&mut self, lexer: &mut Lexer<'_>, buffer: &mut TextBuffer<'_>) -> bool {
        lexer.at += 1;
        lexer.skip_while(|byte| byte == b' ' || byte == b'\t');
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
        self.set(name, &lexer.text[start..end], buffer);
        match &lexer.text[end..] {
            [b'"', b']', ..] => lexer.at += 2,
            [b'\n', ..] => {}
            rest => return skip_behind(lexer, memchr2(b']', b'\n', rest)),
        }
        true
    }

    #[inline]
    fn set(&mut self, name: &[u8], value: &[u8], buffer: &mut TextBuffer<'_>) {
        match name {
            b"WhiteElo" => self.white_elo = elo(value),
            b"BlackElo" => self.black_elo = elo(value),
            b"Result" => self.score = score(value),
            b"Termination" => self.ending = Ending::of_tag(value),
            b"ICCResult" if self.ending.is_none() => self.ending = Ending::of_tag(value),
            b"Variant" => self.is_variant = !is_any(value, &STANDARD),
            b"FEN" => self.has_start = !text_of(value).starts_with(START),
            _ => {
                if buffer.wanted.conditions {
                    self.set_condition(name, value);
                }
                if buffer.wanted.n_texts > 0 {
                    self.set_text(name, value, buffer);
                }
            }
        }
    }

    fn set_condition(&mut self, name: &[u8], value: &[u8]) {
        match name {
            b"TimeControl" => self.time_control = TimeControl::of_tag(value),
            b"UTCDate" => self.dates[0] = Date::parse(value),
            b"Date" => self.dates[1] = Date::parse(value),
            b"WhiteTitle" | b"BlackTitle" => self.has_bot |= is_any(value, &["bot"]),
            b"WhiteType" | b"BlackType" => self.has_bot |= is_any(value, &["program"]),
            b"WhiteIsComp" | b"BlackIsComp" => self.has_bot |= is_any(value, &["yes"]),
            _ => {}
        }
    }

    /// The day of the game, where it is known.
    pub fn date(&self) -> Option<Date> {
        self.dates[0].or(self.dates[1])
    }

    #[inline]
    fn set_text(&mut self, name: &[u8], value: &[u8], buffer: &mut TextBuffer<'_>) {
        match name {
            b"ECO" => self.keep(Text::Eco, value, buffer),
            b"TimeControl" => self.keep(Text::TimeControl, value, buffer),
            b"Site" => self.keep(Text::Site, value, buffer),
            _ if buffer.wanted.n_texts > Text::ALWAYS => self.set_player(name, value, buffer),
            _ => {}
        }
    }

    fn set_player(&mut self, name: &[u8], value: &[u8], buffer: &mut TextBuffer<'_>) {
        match name {
            b"White" => self.keep(Text::White, value, buffer),
            b"Black" => self.keep(Text::Black, value, buffer),
            b"WhiteTitle" => self.keep(Text::WhiteTitle, value, buffer),
            b"BlackTitle" => self.keep(Text::BlackTitle, value, buffer),
            b"Event" => self.keep(Text::Event, value, buffer),
            b"UTCDate" => self.keep(Text::Date, value, buffer),
            b"UTCTime" => self.keep(Text::Time, value, buffer),
            b"Date" if self.lacks(Text::Date) => self.keep(Text::Date, value, buffer),
            b"Time" if self.lacks(Text::Time) => self.keep(Text::Time, value, buffer),
            _ => {}
        }
    }

    #[inline]
    fn keep(&mut self, text: Text, value: &[u8], buffer: &mut TextBuffer<'_>) {
        self.texts[text as usize] = append(buffer.text, value);
    }

    fn lacks(&self, text: Text) -> bool {
        self.texts[text as usize].is_empty()
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

/// Where a value ends: at its quote, or, without one, with its line. Names are often quoted inside
/// (`"Hikaru "H" Nakamura"`): the quote that counts has the bracket behind it, or is the last.
#[inline]
fn value_end(text: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    loop {
        at += next_sign(text.get(at..)?)?;
        match &text[at..] {
            [b'\\', ..] => at += 2,
            [b'"', b']', ..] => return Some(at),
            [b'"', rest @ ..] if rest.trim_ascii_start().starts_with(b"]") => return Some(at),
            _ => return last_quote(text, start),
        }
    }
}

/// The first quote, backslash or line break.
#[inline(always)]
fn next_sign(text: &[u8]) -> Option<usize> {
    const SIGNS: [u8; 3] = *b"\"\\\n";
    match text.first_chunk().map_or(0, |near| places_of(SIGNS, near)) {
        0 => memchr3(SIGNS[0], SIGNS[1], SIGNS[2], text),
        places => Some(places.trailing_zeros() as usize),
    }
}

#[inline(never)]
fn last_quote(text: &[u8], start: usize) -> Option<usize> {
    let length = memchr(b'\n', &text[start..])?;
    let line = &text[start..start + length];
    Some(start + memrchr(b'"', line).unwrap_or(length))
}

#[inline]
fn append(buffer: &mut String, value: &[u8]) -> Range<usize> {
    let start = buffer.len();
    match std::str::from_utf8(value) {
        Ok(text) if !value.contains(&b'\\') => buffer.push_str(text.trim()),
        _ => buffer.push_str(&text_of(value)),
    }
    start..buffer.len()
}

/// The text of a value: escapes resolved; Latin-1, as the standard has it, where it is not UTF-8.
fn text_of(value: &[u8]) -> String {
    let text = match std::str::from_utf8(value) {
        Ok(text) => text.to_owned(),
        Err(_) => value.iter().copied().map(char::from).collect(),
    };
    let mut characters = text.trim().chars();
    let next = || match characters.next()? {
        '\\' => characters.next(),
        character => Some(character),
    };
    std::iter::from_fn(next).collect()
}

/// A rating; those that are provisional have a question mark behind them.
fn elo(value: &[u8]) -> Option<i16> {
    let text = std::str::from_utf8(value).ok()?.trim();
    let digits = text.trim_end_matches('?').trim_end();
    digits.parse().ok().filter(|&elo| elo > 0)
}

fn score(value: &[u8]) -> Option<i8> {
    let mut lexer = Lexer { text: value, at: 0 };
    match lexer.next_apart() {
        Token::Score(score) if lexer.rest().trim_ascii().is_empty() => score,
        _ => None,
    }
}

/// Whether a value is one of these, in any case.
fn is_any(value: &[u8], names: &[&str]) -> bool {
    let value = value.trim_ascii();
    names
        .iter()
        .any(|name| value.eq_ignore_ascii_case(name.as_bytes()))
}

//! One game of a PGN, replayed while it is read.

use memchr::memrchr;
use shakmaty::CastlingMode;

use super::comment;
use super::ending::Ending;
use super::format::Format;
use super::games::{Games, Record};
use super::lexer::{Lexer, Token};
use super::report::Dropped;
use super::san;
use super::tags::{Next, Tags, TextBuffer, Wanted};
use super::usual::Usual;
use crate::digest;
use crate::outcome::Termination;
use crate::playout::{San, SanGame};

/// Words that say something about the move before them.
const REMARKS: [&[u8]; 9] = [
    b"e.p.", b"ep", b"ch", b"dis", b"dbl", b"mate", b"N", b"TN", b"D",
];
const NULL_MOVES: [&[u8]; 6] = [b"--", b"Z0", b"null", b"0000", b"@@@@", b"pass"];

/// A game being read.
pub struct Reading<'a> {
    games: &'a mut Games,
    game: &'a mut SanGame,
    format: Format,
    /// Plies of the games before.
    first: usize,
    /// The first reason to drop it.
    dropped: Option<Dropped>,
    is_cut: bool,
    score: Option<i8>,
    has_begun: bool,
    is_over: bool,
    /// Where the moves end, and the comments on them.
    end: usize,
}

impl<'a> Reading<'a> {
    pub fn new(games: &'a mut Games, game: &'a mut SanGame, format: Format) -> Reading<'a> {
        game.restart();
        Reading {
            first: games.tokens.len(),
            games,
            game,
            format,
            dropped: None,
            is_cut: false,
            score: None,
            has_begun: false,
            is_over: false,
            end: 0,
        }
    }

    pub fn read(mut self, lexer: &mut Lexer<'_>) -> Result<Record, Dropped> {
        let mut tags = Tags::default();
        let mut buffer = TextBuffer {
            text: &mut self.games.texts,
            wanted: Wanted {
                n_texts: self.format.n_texts,
                conditions: self.format.filter.asks_conditions(),
            },
        };
        let next = tags.read(lexer, &mut buffer);
        self.dropped = self.format.filter.judge(&tags);
        match next {
            Next::Movetext => self.read_movetext(lexer),
            Next::Game => {}
            Next::Broken => self.drop(Dropped::Malformed),
        }
        self.score = self.score.or_else(|| self.score_without_mark(lexer, &tags));
        let said = || Ending::of_comment(last_comment(&lexer.text[..self.end])?);
        tags.ending = tags.ending.or_else(said);
        self.finish(tags)
    }

    /// The score of a game whose moves do not end with one: that behind the empty line, or that of
    /// the tag. A part of a game has none.
    fn score_without_mark(&self, lexer: &mut Lexer<'_>, tags: &Tags) -> Option<i8> {
        if self.is_over {
            return tags.score;
        }
        match lexer.behind_empty_line() {
            Token::Score(score) => score.or(tags.score),
            Token::Number(number) if number != 1 => None,
            _ => tags.score,
        }
    }

    /// Read to the end of the game; the token behind it stays.
    #[inline]
    fn read_movetext(&mut self, lexer: &mut Lexer<'_>) {
        loop {
            self.read_usual(lexer);
            let before = lexer.at;
            let token = lexer.next();
            if self.is_over && matches!(token, Token::Word | Token::Number(_) | Token::Score(_)) {
                lexer.at = before;
                return;
            }
            match token {
                Token::Word => {
                    self.has_begun = true;
                    self.read_word(lexer);
                }
                Token::Number(number) => self.check_start(number),
                Token::Comment(text) => self.annotate(text),
                Token::Score(score) => {
                    self.score = score;
                    self.end = before;
                    self.is_over = true;
                }
                Token::Broken => self.drop(Dropped::Malformed),
                Token::End if self.ends(lexer, before) => return,
                Token::End => {}
            }
        }
    }

    /// Read on, once there was a move, while nothing comes but moves and comments as servers write
    /// them.
    #[inline(always)]
    fn read_usual(&mut self, lexer: &mut Lexer<'_>) {
        if self.length() == 0 || self.is_over {
            return;
        }
        while self.dropped.is_none() && !self.is_cut {
            match lexer.next_usual(self.length() & 1) {
                Some(Usual::Move(san)) => self.play_or_drop(san),
                Some(Usual::Comment(text)) => self.annotate(text),
                None => return,
            }
        }
    }

    /// Whether the game ends at this empty line, not only what stands before its moves.
    #[cold]
    fn ends(&mut self, lexer: &mut Lexer<'_>, before: usize) -> bool {
        if !self.is_over {
            self.end = before;
        }
        self.is_over || self.has_begun || !lexer.reaches_movetext()
    }

    #[inline(always)]
    fn read_word(&mut self, lexer: &mut Lexer<'_>) {
        if self.dropped.is_some() || self.is_cut {
            lexer.pass_word();
            lexer.skim();
            return;
        }
        let side = self.length() & 1;
        if let Some((san, length)) = san::parse(lexer.rest(), side) {
            lexer.at += length;
            self.play_or_drop(san);
            return;
        }
        self.read_remark(lexer.skip_word());
    }

    /// A word that is no move.
    #[cold]
    fn read_remark(&mut self, word: &[u8]) {
        if NULL_MOVES.contains(&word) {
            self.drop(Dropped::IllegalMove);
        } else if self.length() == 0 || !REMARKS.contains(&without_signs(word)) {
            self.drop(Dropped::Malformed);
        }
    }

    #[inline(always)]
    fn play_or_drop(&mut self, san: San) {
        if let Err(reason) = self.play(san) {
            self.drop(reason);
        }
    }

    #[inline]
    pub fn play(&mut self, san: San) -> Result<(), Dropped> {
        let is_drawn = self.game.is_drawn_by_rule();
        if self.format.cuts && is_drawn {
            self.is_cut = true;
            return Ok(());
        }
        let Some(token) = self.game.play(san, self.format.vocabulary) else {
            return self.refuse();
        };
        if self.length() == self.format.max_ply {
            return Err(Dropped::TooLong);
        }
        if is_drawn {
            return Err(Dropped::MovesAfterEnd);
        }
        self.games.tokens.push(token);
        if self.format.annotations {
            self.games.clocks.push(f32::NAN);
            self.games.evaluations.push(f32::NAN);
        }
        Ok(())
    }

    /// A move that cannot be played: illegal, or one after the end.
    #[cold]
    fn refuse(&mut self) -> Result<(), Dropped> {
        self.is_cut = self.format.cuts && self.game.termination().is_some();
        match self.is_cut {
            true => Ok(()),
            false => Err(Dropped::IllegalMove),
        }
    }

    /// The two-step that is meant where the format writes castling as king takes rook.
    pub fn castling_of(&self, san: San) -> San {
        match self.format.castling {
            CastlingMode::Standard => san,
            CastlingMode::Chess960 => self.game.castling_of(san),
        }
    }

    /// Moves that do not start with the first are a part of a game that was torn apart.
    #[inline]
    fn check_start(&mut self, number: u32) {
        if self.length() == 0 && number != 1 {
            self.drop(Dropped::Malformed);
        }
    }

    #[inline(always)]
    fn annotate(&mut self, text: &[u8]) {
        if !self.format.annotations || self.dropped.is_some() || self.length() == 0 {
            return;
        }
        let said = comment::annotations(text);
        write(self.games.clocks.last_mut(), said.clock);
        write(self.games.evaluations.last_mut(), said.evaluation);
    }

    fn length(&self) -> usize {
        self.games.tokens.len() - self.first
    }

    fn drop(&mut self, reason: Dropped) {
        self.dropped.get_or_insert(reason);
    }

    pub fn finish(self, tags: Tags) -> Result<Record, Dropped> {
        if let Some(reason) = self.dropped {
            return Err(reason);
        }
        let Format {
            filter, vocabulary, ..
        } = self.format;
        match self.length() {
            0 => return Err(Dropped::Empty),
            length if length < filter.min_ply => return Err(Dropped::TooShort),
            _ => {}
        }
        let by_rule = self.game.termination();
        let outcome = match by_rule {
            Some(termination) => termination.outcome(self.game.turn()),
            None => tags.ending.unwrap_or_default().outcome(self.score),
        };
        if filter.needs_outcome && outcome.is_none() {
            return Err(Dropped::NoOutcome);
        }
        let moves = || digest::of_moves(&self.games.tokens[self.first..], vocabulary);
        Ok(Record {
            length: self.length(),
            score: self.score,
            termination: by_rule.unwrap_or(Termination::Unfinished),
            outcome,
            digest: self.format.digests.then(moves).unwrap_or_default(),
            is_cut: self.is_cut,
            tags,
        })
    }
}

fn without_signs(word: &[u8]) -> &[u8] {
    let is_sign = |byte: &u8| b"!?+#".contains(byte);
    let n_signs = word.iter().rev().take_while(|byte| is_sign(byte)).count();
    &word[..word.len() - n_signs]
}

/// The comment that a text ends with.
fn last_comment(text: &[u8]) -> Option<&[u8]> {
    let text = text.trim_ascii_end().strip_suffix(b"}")?;
    Some(&text[memrchr(b'{', text)? + 1..])
}

/// The first annotation of a ply counts.
#[inline]
fn write(slot: Option<&mut f32>, value: Option<f32>) {
    if let (Some(slot), Some(value)) = (slot, value)
        && slot.is_nan()
    {
        *slot = value;
    }
}

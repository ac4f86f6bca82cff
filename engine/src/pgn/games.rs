//! Games of a text, one after the other.

use super::format::{Format, Notation};
use super::game::Reading;
use super::lexer::Lexer;
use super::report::Dropped;
use super::tags::Tags;
use crate::outcome::{Outcome, Termination};
use crate::playout::SanGame;

/// A game that was read whole. Its plies are those of [`Games`] behind those of the game before.
#[derive(Debug, Clone)]
pub struct Record {
    pub tags: Tags,
    pub length: usize,
    /// 1 white won, 0 drawn, -1 black won; `None` for `*` and games without a result.
    pub score: Option<i8>,
    pub termination: Termination,
    pub outcome: Option<Outcome>,
    /// Of the moves; 0 where not wanted.
    pub digest: u64,
    /// Whether its moves went on after its end.
    pub is_cut: bool,
}

/// Games of a text, in order, their plies one after the other.
#[derive(Debug, Clone, Default)]
pub struct Games {
    pub records: Vec<Result<Record, Dropped>>,
    /// Where each game ends in the text.
    pub ends: Vec<usize>,
    pub tokens: Vec<i16>,
    /// Seconds left to the mover after each ply; NaN where not written.
    pub clocks: Vec<f32>,
    /// Pawns, for white, after each ply; NaN where not written.
    pub evaluations: Vec<f32>,
    /// The texts of tags.
    pub texts: String,
}

impl Games {
    /// One game that was not read.
    pub fn of_one_dropped(reason: Dropped, end: usize) -> Games {
        Games {
            records: vec![Err(reason)],
            ends: vec![end],
            ..Games::default()
        }
    }

    /// Read the games that start in `text[start..stop]`, in the notation of the format.
    pub fn read(
        &mut self,
        text: &[u8],
        start: usize,
        stop: usize,
        is_last: bool,
        format: Format,
    ) -> usize {
        match format.notation {
            Notation::Pgn => self.read_pgn(text, start, stop, is_last, format),
            Notation::Uci => self.read_uci(text, start, stop, is_last, format),
        }
    }

    /// Read the games that start in `text[start..stop]`; where the next one starts. A game that
    /// needs more text than there is counts as read only where the text is the last of its file.
    fn read_pgn(
        &mut self,
        text: &[u8],
        start: usize,
        stop: usize,
        is_last: bool,
        format: Format,
    ) -> usize {
        let mut lexer = Lexer { text, at: start };
        let mut game = SanGame::start();
        loop {
            let (before, mark) = (lexer.at, self.mark());
            lexer.skip_between_games();
            let is_junk = lexer.at < stop && lexer.skip_junk(is_last);
            if lexer.is_at_end() && !is_last {
                return before;
            }
            if is_junk {
                continue;
            }
            if lexer.at >= stop {
                return lexer.at;
            }
            let record = Reading::new(self, &mut game, format).read(&mut lexer);
            if lexer.is_at_end() && !is_last {
                self.truncate(mark);
                return before;
            }
            self.push(record, mark, lexer.at);
        }
    }

    /// How much there is before a game: its plies and texts start here.
    pub fn mark(&self) -> Mark {
        Mark {
            plies: self.tokens.len(),
            texts: self.texts.len(),
        }
    }

    /// Add a game that was read behind this mark, and up to this place of the text. Nothing else
    /// stays of one that is dropped.
    pub fn push(&mut self, record: Result<Record, Dropped>, mark: Mark, end: usize) {
        if record.is_err() {
            self.truncate(mark);
        }
        self.records.push(record);
        self.ends.push(end);
    }

    fn truncate(&mut self, mark: Mark) {
        self.tokens.truncate(mark.plies);
        self.clocks.truncate(mark.plies);
        self.evaluations.truncate(mark.plies);
        self.texts.truncate(mark.texts);
    }
}

/// Where the plies and texts of a game start.
#[derive(Debug, Clone, Copy)]
pub struct Mark {
    plies: usize,
    texts: usize,
}

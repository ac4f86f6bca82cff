//! One game of a PGN, replayed while it is read.

use std::ops::ControlFlow;

use pgn_reader::{KnownOutcome, Outcome as Score, RawComment, RawTag, SanPlus, Visitor};
use shakmaty::Position;

use super::comment;
use crate::game::Game;
use crate::outcome::{Outcome, Termination};
use crate::vocabulary::Vocabulary;

/// Why a game of a file is not among the results. The discriminants index `Dropped::NAMES`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dropped {
    /// A chess variant, Chess960 among them.
    Variant = 0,
    /// It does not start from the starting position.
    CustomStart = 1,
    /// A move is illegal or ambiguous.
    IllegalMove = 2,
    /// Moves go on after the rules ended the game.
    MovesAfterEnd = 3,
    /// More plies than asked for.
    TooLong = 4,
    /// No moves.
    Empty = 5,
    /// A comment or a tag has no end.
    Malformed = 6,
}

impl Dropped {
    pub const NAMES: [&'static str; 7] = [
        "variant",
        "custom_start",
        "illegal_move",
        "moves_after_end",
        "too_long",
        "empty",
        "malformed",
    ];
}

/// The tag pairs that are kept.
#[derive(Debug, Clone, Default)]
pub struct Tags {
    pub white_elo: Option<i16>,
    pub black_elo: Option<i16>,
    pub eco: String,
    pub time_control: String,
    pub site: String,
    pub termination: String,
    is_variant: bool,
    has_start: bool,
}

/// A game that was read whole.
#[derive(Debug, Clone)]
pub struct PgnGame {
    pub tags: Tags,
    pub tokens: Vec<i16>,
    /// Seconds left to the mover after each ply; NaN where not written.
    pub clocks: Vec<f32>,
    /// Pawns, for white, after each ply; NaN where not written.
    pub evaluations: Vec<f32>,
    /// 1 white won, 0 drawn, -1 black won; `None` for `*` and games without a result.
    pub score: Option<i8>,
    pub termination: Termination,
    pub outcome: Option<Outcome>,
}

/// Reads games into tokens.
pub struct GameVisitor {
    pub vocabulary: &'static Vocabulary,
    pub max_ply: usize,
}

/// A game being read.
pub struct Replayed {
    game: Game,
    record: PgnGame,
}

type Flow<T = ()> = ControlFlow<Result<PgnGame, Dropped>, T>;

fn dropped<T>(reason: Dropped) -> Flow<T> {
    ControlFlow::Break(Err(reason))
}

impl Visitor for GameVisitor {
    type Tags = Tags;
    type Movetext = Replayed;
    type Output = Result<PgnGame, Dropped>;

    fn begin_tags(&mut self) -> Flow<Tags> {
        ControlFlow::Continue(Tags::default())
    }

    fn tag(&mut self, tags: &mut Tags, name: &[u8], value: RawTag<'_>) -> Flow {
        let text = || value.decode_utf8_lossy().trim().to_owned();
        match name {
            b"WhiteElo" => tags.white_elo = elo(&text()),
            b"BlackElo" => tags.black_elo = elo(&text()),
            b"ECO" => tags.eco = text(),
            b"TimeControl" => tags.time_control = text(),
            b"Site" => tags.site = text(),
            b"Termination" => tags.termination = text(),
            b"Variant" => tags.is_variant = !is_standard(&text()),
            b"FEN" => tags.has_start = !text().starts_with(START),
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn begin_movetext(&mut self, tags: Tags) -> Flow<Replayed> {
        if tags.is_variant {
            return dropped(Dropped::Variant);
        }
        if tags.has_start {
            return dropped(Dropped::CustomStart);
        }
        ControlFlow::Continue(Replayed {
            game: Game::default(),
            record: PgnGame {
                tags,
                tokens: Vec::new(),
                clocks: Vec::new(),
                evaluations: Vec::new(),
                score: None,
                termination: Termination::Unfinished,
                outcome: None,
            },
        })
    }

    fn san(&mut self, replayed: &mut Replayed, san: SanPlus) -> Flow {
        let Ok(m) = san.san.to_move(replayed.game.position()) else {
            return dropped(Dropped::IllegalMove);
        };
        let record = &mut replayed.record;
        if record.tokens.len() == self.max_ply {
            return dropped(Dropped::TooLong);
        }
        if replayed.game.is_drawn_by_rule() {
            return dropped(Dropped::MovesAfterEnd);
        }
        record.tokens.push(self.vocabulary.token(m));
        record.clocks.push(f32::NAN);
        record.evaluations.push(f32::NAN);
        replayed.game.play(m);
        ControlFlow::Continue(())
    }

    fn comment(&mut self, replayed: &mut Replayed, text: RawComment<'_>) -> Flow {
        let record = &mut replayed.record;
        if let (Some(last), Some(seconds)) =
            (record.clocks.last_mut(), comment::clock(text.as_bytes()))
        {
            *last = seconds;
        }
        if let (Some(last), Some(pawns)) = (
            record.evaluations.last_mut(),
            comment::evaluation(text.as_bytes()),
        ) {
            *last = pawns;
        }
        ControlFlow::Continue(())
    }

    fn outcome(&mut self, replayed: &mut Replayed, score: Score) -> Flow {
        replayed.record.score = match score {
            Score::Known(KnownOutcome::Decisive { winner }) => Some(winner.fold_wb(1, -1)),
            Score::Known(KnownOutcome::Draw) => Some(0),
            Score::Unknown => None,
        };
        ControlFlow::Continue(())
    }

    fn end_game(&mut self, replayed: Replayed) -> Result<PgnGame, Dropped> {
        let Replayed { game, mut record } = replayed;
        if record.tokens.is_empty() {
            return Err(Dropped::Empty);
        }
        let legal = game.position().legal_moves();
        let by_rule = game.termination(&legal, false);
        record.termination = by_rule.unwrap_or(Termination::Unfinished);
        record.outcome = match by_rule {
            Some(termination) => termination.outcome(game.position().turn()),
            None => by_agreement(record.score, &record.tags.termination),
        };
        Ok(record)
    }
}

/// How a game ended that no rule of the board ended. Games abandoned, adjudicated or without a
/// result have no outcome.
fn by_agreement(score: Option<i8>, termination: &str) -> Option<Outcome> {
    let on_time = termination.eq_ignore_ascii_case("Time forfeit");
    if !on_time && !termination.is_empty() && !termination.eq_ignore_ascii_case("Normal") {
        return None;
    }
    Some(match (score?, on_time) {
        (1, false) => Outcome::WhiteWinsByResignation,
        (-1, false) => Outcome::BlackWinsByResignation,
        (_, false) => Outcome::DrawByAgreement,
        (1, true) => Outcome::WhiteWinsOnTime,
        (-1, true) => Outcome::BlackWinsOnTime,
        (_, true) => Outcome::DrawByTime,
    })
}

const START: &str = "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq -";

fn is_standard(variant: &str) -> bool {
    ["standard", "chess", "from position", "normal"]
        .iter()
        .any(|name| variant.eq_ignore_ascii_case(name))
}

fn elo(text: &str) -> Option<i16> {
    text.parse().ok().filter(|&elo| elo > 0)
}

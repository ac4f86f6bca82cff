//! What games are read for.

use shakmaty::CastlingMode;

use super::filter::Filter;
use super::tags::Text;
use crate::vocabulary::Vocabulary;

/// How games are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notation {
    Pgn,
    /// One game a line, moves in UCI.
    Uci,
}

/// What games are read for.
#[derive(Clone, Copy)]
pub struct Format {
    pub notation: Notation,
    pub vocabulary: &'static Vocabulary,
    /// Longer games are dropped.
    pub max_ply: usize,
    /// Whether clocks and evaluations are wanted.
    pub annotations: bool,
    /// How many of the kinds of [`Text`] are wanted.
    pub n_texts: usize,
    /// Whether digests of the moves are wanted.
    pub digests: bool,
    /// Whether a game whose moves go on after its end is cut there, not dropped.
    pub cuts: bool,
    pub filter: Filter,
    /// How lines of UCI write castling.
    pub castling: CastlingMode,
}

impl Format {
    /// Games as they are written most, and all of them.
    pub fn new(notation: Notation, vocabulary: &'static Vocabulary, max_ply: usize) -> Format {
        Format {
            notation,
            vocabulary,
            max_ply,
            annotations: false,
            n_texts: Text::ALWAYS,
            digests: false,
            cuts: false,
            filter: Filter::NONE,
            castling: CastlingMode::Standard,
        }
    }
}

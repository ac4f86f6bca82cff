//! How games end.

use shakmaty::Color;

/// Why a game stopped. The discriminants are the codes of `TERMINATIONS`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Termination {
    Checkmate = 0,
    Stalemate = 1,
    PlyLimit = 2,
    SeventyFiveMoves = 3,
    FivefoldRepetition = 4,
    InsufficientMaterial = 5,
    /// The recorded moves stop before the game does.
    Unfinished = 6,
    /// The recorded moves contain one that cannot be played.
    IllegalMove = 7,
}

impl Termination {
    /// The names, by code.
    pub const NAMES: [&'static str; 8] = [
        "checkmate",
        "stalemate",
        "ply_limit",
        "seventy_five_moves",
        "fivefold_repetition",
        "insufficient_material",
        "unfinished",
        "illegal_move",
    ];

    /// What the game's outcome token says; `None` for games that did not end.
    pub fn outcome(self, to_move: Color) -> Option<Outcome> {
        Some(match self {
            Termination::Checkmate => {
                to_move.fold_wb(Outcome::BlackCheckmates, Outcome::WhiteCheckmates)
            }
            Termination::Stalemate => Outcome::Stalemate,
            Termination::PlyLimit => Outcome::PlyLimit,
            Termination::SeventyFiveMoves
            | Termination::FivefoldRepetition
            | Termination::InsufficientMaterial => Outcome::DrawByRule,
            Termination::Unfinished | Termination::IllegalMove => return None,
        })
    }
}

/// What an outcome token says. The discriminants are offsets from the first outcome token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Outcome {
    WhiteCheckmates = 0,
    BlackCheckmates = 1,
    Stalemate = 2,
    DrawByRule = 3,
    PlyLimit = 4,
    WhiteWinsByResignation = 5,
    BlackWinsByResignation = 6,
    DrawByAgreement = 7,
    WhiteWinsOnTime = 8,
    BlackWinsOnTime = 9,
    DrawByTime = 10,
}

impl Outcome {
    /// The names, by offset. The first five can end a random game, the others only a real one.
    pub const NAMES: [&'static str; 11] = [
        "white_checkmates",
        "black_checkmates",
        "stalemate",
        "draw_by_rule",
        "ply_limit",
        "white_wins_by_resignation",
        "black_wins_by_resignation",
        "draw_by_agreement",
        "white_wins_on_time",
        "black_wins_on_time",
        "draw_by_time",
    ];
}

//! What became of the games of a file.

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
    /// Something that cannot be read.
    Malformed = 6,
    /// A player is a program, and such games are not wanted.
    Bot = 7,
}

impl Dropped {
    pub const NAMES: [&'static str; 8] = [
        "variant",
        "custom_start",
        "illegal_move",
        "moves_after_end",
        "too_long",
        "empty",
        "malformed",
        "bot",
    ];
}

/// Games read, and those dropped by reason.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Report {
    pub n_read: u64,
    /// By reason, as in `Dropped::NAMES`.
    pub n_dropped: [u64; Dropped::NAMES.len()],
}

impl Report {
    pub fn n_kept(&self) -> u64 {
        self.n_read - self.n_dropped.iter().sum::<u64>()
    }
}

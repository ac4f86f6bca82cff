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
    /// The rating of a player is unknown, and ratings are asked for.
    EloUnknown = 8,
    /// The rating of a player is not among those wanted.
    Elo = 9,
    /// The time control is not among those wanted, or unknown.
    TimeControl = 10,
    /// The date is not among those wanted, or unknown.
    Date = 11,
    /// Fewer plies than asked for.
    TooShort = 12,
    /// It has no outcome, and such games are not wanted.
    NoOutcome = 13,
}

impl Dropped {
    pub const NAMES: [&'static str; 14] = [
        "variant",
        "custom_start",
        "illegal_move",
        "moves_after_end",
        "too_long",
        "empty",
        "malformed",
        "bot",
        "elo_unknown",
        "elo",
        "time_control",
        "date",
        "too_short",
        "no_outcome",
    ];
}

/// Games read, and those dropped by reason.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Report {
    pub n_read: u64,
    /// By reason, as in `Dropped::NAMES`.
    pub n_dropped: [u64; Dropped::NAMES.len()],
    /// Of those kept, games whose moves went on after their end.
    pub n_cut: u64,
}

impl Report {
    /// Whether these can be the counts of some games.
    pub fn is_consistent(&self) -> bool {
        let n_dropped = self
            .n_dropped
            .iter()
            .try_fold(0_u64, |sum, &n| sum.checked_add(n));
        n_dropped.is_some_and(|n| n <= self.n_read && self.n_cut <= self.n_read - n)
    }

    pub fn n_kept(&self) -> u64 {
        self.n_read - self.n_dropped.iter().sum::<u64>()
    }
}

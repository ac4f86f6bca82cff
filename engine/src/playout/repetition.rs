//! Fivefold repetition, in constant time for all but a few positions.

use super::board::Board;

/// The halfmove clock never passes 150.
const CLOCK: usize = 151;
/// Counters; far more than positions in a game of the usual length.
const FILTER: usize = 1024;

/// The positions that the current one could repeat.
#[derive(Clone)]
pub struct Repetition {
    /// Keys since the last capture or pawn move, by halfmove clock.
    keys: [u64; CLOCK],
    /// At least how often a position with these key bits was seen in this game; only where this
    /// reaches five are the keys compared.
    seen: [u8; FILTER],
}

impl Repetition {
    pub fn new() -> Repetition {
        Repetition {
            keys: [0; CLOCK],
            seen: [0; FILTER],
        }
    }

    /// Begin anew behind the first position of a game; keys from before are never compared.
    pub fn restart_as(&mut self, first: &Repetition) {
        self.seen = first.seen;
        self.keys[0] = first.keys[0];
    }

    /// Add the position; true where it is on the board for the fifth time.
    #[inline(always)]
    pub fn is_fifth(&mut self, board: &Board, en_passant: bool) -> bool {
        // A position that allows en passant can never come back: any key will do but its own,
        // which stands for the same placement without en passant.
        let key = if en_passant { !board.key } else { board.key };
        let clock = board.halfmoves.min(CLOCK - 1);
        self.keys[clock] = key;
        let seen = &mut self.seen[key as usize % FILTER];
        *seen = seen.saturating_add(1);
        *seen >= 5 && self.count(key, clock) >= 5
    }

    /// How often the key occurs with the same side to move.
    #[cold]
    fn count(&self, key: u64, clock: usize) -> usize {
        let same_side = (0..=clock).rev().step_by(2);
        same_side.filter(|&i| self.keys[i] == key).count()
    }
}

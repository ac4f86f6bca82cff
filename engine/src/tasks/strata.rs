//! What makes a position hard to write about, as one bit each.

use shakmaty::{Bitboard, Chess, EnPassantMode, Move, MoveList, Position};

use crate::king;

/// The names of the bits, lowest first. All speak of the side to move.
pub const NAMES: [&str; 8] = [
    "check",
    "pin",
    "en_passant",
    "castling",
    "promotion",
    "mate",
    "stalemate",
    "endgame",
];

/// The most men of an endgame, kings included.
const ENDGAME_MEN: usize = 7;

/// A position with its legal moves.
pub struct Scene<'a> {
    pub position: &'a Chess,
    pub legal: MoveList,
}

impl Scene<'_> {
    pub fn new(position: &Chess) -> Scene<'_> {
        Scene {
            position,
            legal: position.legal_moves(),
        }
    }

    /// All bits of the position.
    pub fn strata(&self) -> u16 {
        (0..NAMES.len()).fold(0, |bits, stratum| {
            bits | u16::from(self.has(stratum)) << stratum
        })
    }

    /// The bits of what the move does.
    pub fn strata_of(&self, m: Move) -> u16 {
        (0..NAMES.len()).fold(0, |bits, stratum| {
            bits | u16::from(self.makes_hard(m, stratum)) << stratum
        })
    }

    /// Whether the position is in this stratum, an index into [`NAMES`].
    pub fn has(&self, stratum: usize) -> bool {
        match NAMES[stratum] {
            "check" => self.position.is_check(),
            "pin" => pinned(self.position).any(),
            "en_passant" => self.position.ep_square(EnPassantMode::Legal).is_some(),
            "endgame" => men(self.position) <= ENDGAME_MEN,
            _ => self.legal.iter().any(|&m| self.makes_hard(m, stratum)),
        }
    }

    /// Whether the move is what the stratum is about; no move is what check, pin and endgame are
    /// about.
    pub fn makes_hard(&self, m: Move, stratum: usize) -> bool {
        match NAMES[stratum] {
            "en_passant" => m.is_en_passant(),
            "castling" => m.is_castle(),
            "promotion" => m.is_promotion(),
            "mate" => self.ends(m, true),
            "stalemate" => self.ends(m, false),
            _ => false,
        }
    }

    /// Whether the move leaves no reply, with or without check.
    fn ends(&self, m: Move, with_check: bool) -> bool {
        let mut after = self.position.clone();
        after.play_unchecked(m);
        after.is_check() == with_check && after.legal_moves().is_empty()
    }
}

/// Men on the board, kings included.
pub fn men(position: &Chess) -> usize {
    position.board().occupied().count()
}

/// Own men that alone stand between the own king and an enemy slider.
fn pinned(position: &Chess) -> Bitboard {
    let (board, us) = (position.board(), position.turn());
    let king = board.king_of(us);
    king.map_or(Bitboard::EMPTY, |king| king::pinned(board, us, king))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::position::parse_fen;

    fn names(fen: &str) -> Vec<&'static str> {
        let position = parse_fen(fen).unwrap();
        let strata = Scene::new(&position).strata();
        let bits = (0..NAMES.len()).filter(|bit| strata >> bit & 1 != 0);
        bits.map(|bit| NAMES[bit]).collect()
    }

    #[test]
    fn a_position_is_in_every_stratum_it_shows() {
        let cases: [(&str, &[&str]); 7] = [
            (
                "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - 0 1",
                &[],
            ),
            (
                "r3k2r/pppppppp/8/8/8/8/PPPPPPPP/R3K2R w KQkq - 0 1",
                &["castling"],
            ),
            (
                "k7/2Q5/2K5/8/8/8/8/8 w - - 0 1",
                &["mate", "stalemate", "endgame"],
            ),
            ("7k/P7/8/8/8/8/8/K7 w - - 0 1", &["promotion", "endgame"]),
            (
                "rnbqkbnr/1ppppppp/8/8/pP6/8/P1PPPPPP/RNBQKBNR b KQkq b3 0 3",
                &["en_passant"],
            ),
            (
                "4r2k/8/8/8/8/8/4N3/4K2q w - - 0 1",
                &["check", "pin", "endgame"],
            ),
            // The capture would open the fourth rank to the rook.
            ("8/8/8/8/k2pP2R/8/8/4K3 b - e3 0 1", &["endgame"]),
        ];
        for (fen, expected) in cases {
            assert_eq!(names(fen), expected, "{fen}");
        }
    }
}

//! Checks and pins, and whether pins matter.

use shakmaty::{Bitboard, Board, Color, Rank, Square, attacks};

use crate::playout::Place;

/// What the king of the side to move has to fear.
pub struct KingSafety {
    pub pieces: Board,
    pub us: Color,
    pub square: Square,
    pub checkers: Bitboard,
}

impl KingSafety {
    pub fn new(place: &Place) -> KingSafety {
        let (pieces, us) = (place.pieces(), place.turn());
        let square = pieces.king_of(us).expect("a position has both kings");
        let checkers = match place.is_check() {
            true => pieces.attacks_to(square, !us, pieces.occupied()),
            false => Bitboard::EMPTY,
        };
        KingSafety {
            pieces,
            us,
            square,
            checkers,
        }
    }

    /// Whether some pinned piece has a move that is illegal for its pin alone. `passed` is the
    /// square that a pawn has just passed.
    pub fn any_pin_restricts(&self, passed: Option<Square>) -> bool {
        let evasions = match (self.checkers.first(), self.checkers.more_than_one()) {
            (_, true) => return false,
            (None, _) => Bitboard::FULL,
            (Some(checker), _) => attacks::between(self.square, checker).with(checker),
        };
        pinned(&self.pieces, self.us, self.square)
            .into_iter()
            .any(|from| {
                let line = attacks::ray(self.square, from);
                let held_back = self.reach(from) & evasions & !line;
                held_back.any() || passed.is_some_and(|to| self.holds_back_capture(from, to, line))
            })
    }

    /// Where a piece could move but for its king, en passant aside.
    fn reach(&self, from: Square) -> Bitboard {
        let (board, us) = (&self.pieces, self.us);
        let attacked = board.attacks_from(from);
        if !board.pawns().contains(from) {
            return attacked & !board.by_color(us);
        }
        let forward = |squares: Bitboard| squares.shift(us.fold_wb(8, -8)) & !board.occupied();
        let step = forward(Bitboard::from_square(from));
        let double =
            forward(step & us.fold_wb(Bitboard::from(Rank::Third), Bitboard::from(Rank::Sixth)));
        step | double | attacked & board.by_color(!us)
    }

    /// Whether a pinned pawn may not capture en passant for its pin alone: the capture exposes the
    /// king to nothing but sliders behind the pawn.
    fn holds_back_capture(&self, from: Square, to: Square, line: Bitboard) -> bool {
        let is_capture = self.pieces.pawns().contains(from)
            && attacks::pawn_attacks(self.us, from).contains(to)
            && !line.contains(to);
        let victim = Square::from_coords(to.file(), from.rank());
        let after = self.pieces.occupied() ^ Bitboard::from_square(from) ^ victim | to;
        let attackers = self.pieces.attacks_to(self.square, !self.us, after);
        let pins = |attacker| attacks::between(self.square, attacker).contains(from);
        is_capture && attackers.without(victim).into_iter().all(pins)
    }
}

/// Pieces of a side that alone stand between its king and an enemy slider.
pub fn pinned(board: &Board, us: Color, king: Square) -> Bitboard {
    let none = Bitboard::EMPTY;
    let straight = attacks::rook_attacks(king, none) & board.rooks_and_queens();
    let diagonal = attacks::bishop_attacks(king, none) & board.bishops_and_queens();
    let snipers = (straight | diagonal) & board.by_color(!us);
    let blockers = snipers
        .into_iter()
        .map(|sniper| attacks::between(king, sniper) & board.occupied())
        .filter(|blockers| blockers.count() == 1);
    blockers.fold(none, |all, one| all | one) & board.by_color(us)
}

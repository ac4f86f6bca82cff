//! Pins, and whether they matter.

use shakmaty::{Bitboard, Board, Chess, Color, Position, Rank, Square, attacks};

/// Pins of the side to move against its king.
pub struct Pins<'a> {
    position: &'a Chess,
    board: &'a Board,
    us: Color,
    king: Square,
}

impl<'a> Pins<'a> {
    pub fn new(position: &'a Chess) -> Pins<'a> {
        let (board, us) = (position.board(), position.turn());
        let king = board.king_of(us).expect("a legal position has both kings");
        Pins {
            position,
            board,
            us,
            king,
        }
    }

    /// Whether some pinned piece has a move that is illegal for its pin alone.
    pub fn any_restricts(&self, checkers: Bitboard) -> bool {
        let evasions = match (checkers.first(), checkers.more_than_one()) {
            (_, true) => return false,
            (None, _) => Bitboard::FULL,
            (Some(checker), _) => attacks::between(self.king, checker).with(checker),
        };
        self.pinned().into_iter().any(|from| {
            let line = attacks::ray(self.king, from);
            let held_back = self.reach(from) & evasions & !line;
            held_back.any() || self.holds_back_en_passant(from, line)
        })
    }

    /// Own pieces that alone stand between the king and an enemy slider.
    fn pinned(&self) -> Bitboard {
        let (board, none) = (self.board, Bitboard::EMPTY);
        let straight = attacks::rook_attacks(self.king, none) & board.rooks_and_queens();
        let diagonal = attacks::bishop_attacks(self.king, none) & board.bishops_and_queens();
        let snipers = (straight | diagonal) & board.by_color(!self.us);
        let blockers = snipers
            .into_iter()
            .map(|sniper| attacks::between(self.king, sniper) & board.occupied())
            .filter(|blockers| blockers.count() == 1);
        blockers.fold(none, |all, one| all | one) & board.by_color(self.us)
    }

    /// Where a piece could move but for its king, en passant aside.
    fn reach(&self, from: Square) -> Bitboard {
        let (board, us) = (self.board, self.us);
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
    fn holds_back_en_passant(&self, from: Square, line: Bitboard) -> bool {
        let Some(to) = self.position.maybe_ep_square() else {
            return false;
        };
        let is_capture = self.board.pawns().contains(from)
            && attacks::pawn_attacks(self.us, from).contains(to)
            && !line.contains(to);
        is_capture && {
            let victim = Square::from_coords(to.file(), from.rank());
            let occupied = self.board.occupied().without(from).without(victim).with(to);
            let attackers = self.board.attacks_to(self.king, !self.us, occupied);
            let pins = |attacker| attacks::between(self.king, attacker).contains(from);
            attackers.without(victim).into_iter().all(pins)
        }
    }
}

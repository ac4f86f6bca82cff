//! The mating moves of a playout's position.
//!
//! Few moves give check, and of those few leave the king no square to go to: what is cheap to see
//! comes first, and the legal answers to a move are looked for only where all else is seen.

use super::bits::{Squares, bit, has_one_bit};
use super::board::{Board, Step};
use super::isa::Isa;
use super::legal::{LegalMoves, attacked_by};
use super::tables::{BISHOP, KING, KNIGHT, PAWN, PieceCode, QUEEN, ROOK, Tables, code};

/// The legal moves of side `US` that mate, in canonical order.
#[inline(always)]
pub fn find<I: Isa, const US: usize>(
    board: &mut Board,
    legal: &LegalMoves,
    replies: &mut LegalMoves,
    tables: &Tables,
) -> Vec<Step> {
    let checks = Checks::new::<I, US>(board, tables);
    let mut search = Search {
        board,
        replies,
        tables,
        king: checks.king,
        flights: None,
        mating: Vec::new(),
    };
    for from in Squares(legal.movers) {
        let checking = checks.from(search.board, from);
        for to in Squares(legal.targets[from] & checking) {
            search.consider::<I, US>(Step::plain(from, to));
        }
    }
    let promotions = legal.has_promotions().then(|| legal.promotions());
    for step in promotions.into_iter().flatten() {
        if checks.by_promotion::<I, US>(search.board, tables, step) {
            search.consider::<I, US>(step);
        }
    }
    search.mating
}

/// Where a move must start or end to give check.
struct Checks {
    king: usize,
    /// Squares from which each role attacks the enemy king.
    by_role: [u64; 8],
    /// Own pieces that alone stand between an own slider and the enemy king.
    discovering: u64,
}

impl Checks {
    #[inline(always)]
    fn new<I: Isa, const US: usize>(board: &Board, tables: &Tables) -> Checks {
        let (us, them) = (board.sides[US], board.sides[1 - US]);
        let king = (board.roles[KING] & them).trailing_zeros() as usize & 63;
        let occupied = board.occupied();
        let diagonal = tables.squares::<I>(code(US, BISHOP), king, occupied);
        let straight = tables.squares::<I>(code(US, ROOK), king, occupied);
        let mut by_role = [0; 8];
        // En passant and castling may check in ways of their own.
        by_role[PAWN] = tables.pawn[1 - US][king] | bit(board.en_passant);
        by_role[KING] = bit(2 + 56 * US) | bit(6 + 56 * US);
        by_role[KNIGHT] = tables.knight[king];
        by_role[BISHOP] = diagonal;
        by_role[ROOK] = straight;
        by_role[QUEEN] = diagonal | straight;
        Checks {
            king,
            by_role,
            discovering: discovering(board, tables, us, king),
        }
    }

    /// Where the piece may give check; it gives none elsewhere.
    #[inline(always)]
    fn from(&self, board: &Board, from: usize) -> u64 {
        let discovers = (self.discovering >> from & 1).wrapping_neg();
        self.by_role[usize::from(board.pieces[from] & 7)] | discovers
    }

    /// Whether the promotion may give check; the pawn no longer stands where it came from.
    #[inline(always)]
    fn by_promotion<I: Isa, const US: usize>(
        &self,
        board: &Board,
        tables: &Tables,
        step: Step,
    ) -> bool {
        let occupied = board.occupied() & !bit(step.from) | bit(step.to);
        let covered = covered::<I, US>(tables, piece_after::<US>(board, step), step.to, occupied);
        (covered >> self.king | self.discovering >> step.from) & 1 != 0
    }
}

/// The search among the moves that may give check.
struct Search<'a> {
    board: &'a mut Board,
    replies: &'a mut LegalMoves,
    tables: &'a Tables,
    /// The enemy king.
    king: usize,
    /// Found where the first move needs them.
    flights: Option<Flights>,
    mating: Vec<Step>,
}

impl Search<'_> {
    #[inline(always)]
    fn consider<I: Isa, const US: usize>(&mut self, step: Step) {
        // No closure: it would not have the target features of its caller.
        let flights = match &self.flights {
            Some(flights) => flights,
            None => {
                let flights = Flights::new::<I, US>(self.board, self.tables, self.king);
                self.flights.insert(flights)
            }
        };
        let corners = flights.may_corner::<I, US>(self.board, self.tables, self.king, step)
            && corners::<I, US>(self.board, self.tables, self.king, step);
        if corners && mates::<I, US>(self.board, self.replies, self.tables, step) {
            self.mating.push(step);
        }
    }
}

/// Where the enemy king could go if side `US` did nothing.
struct Flights {
    /// Squares that side `US` attacks, seeing through the enemy king.
    attacked: u64,
    squares: u64,
}

impl Flights {
    #[inline(always)]
    fn new<I: Isa, const US: usize>(board: &Board, tables: &Tables, king: usize) -> Flights {
        let (us, occupied) = (board.sides[US], board.occupied() ^ bit(king));
        let attacked = attacked_by::<I>(board, tables, US, us, occupied);
        Flights {
            attacked,
            squares: tables.king[king] & !board.sides[1 - US] & !attacked,
        }
    }

    /// Whether the move may take all of them away, judged by the square it ends on alone.
    ///
    /// What could take a flight away is the moved piece, or a line opened by its leaving; a square
    /// that nothing of `US` attacks lies on no such line.
    #[inline(always)]
    fn may_corner<I: Isa, const US: usize>(
        &self,
        board: &Board,
        tables: &Tables,
        king: usize,
        step: Step,
    ) -> bool {
        let Step { from, to, .. } = step;
        if self.attacked & bit(from) != 0 || is_special(board, step) {
            return true;
        }
        let occupied = board.occupied() & !bit(from) & !bit(king) | bit(to);
        let covered = covered::<I, US>(tables, piece_after::<US>(board, step), to, occupied);
        self.squares & !covered & !bit(to) == 0
    }
}

/// Whether the enemy king has no square to go to after the move.
#[inline(always)]
fn corners<I: Isa, const US: usize>(
    board: &Board,
    tables: &Tables,
    king: usize,
    step: Step,
) -> bool {
    let Step { from, to, .. } = step;
    if is_special(board, step) {
        return true;
    }
    let occupied = board.occupied() & !bit(from) & !bit(king) | bit(to);
    let others = board.sides[US] & !bit(from);
    let attacked = attacked_by::<I>(board, tables, US, others, occupied)
        | covered::<I, US>(tables, piece_after::<US>(board, step), to, occupied);
    let enemies = board.sides[1 - US] & !bit(to);
    tables.king[king] & !enemies & !attacked == 0
}

/// King moves, castling among them, and en passant change more squares than two, or attack none.
#[inline(always)]
fn is_special(board: &Board, step: Step) -> bool {
    board.roles[KING] & bit(step.from) != 0 || step.to == board.en_passant
}

#[inline(always)]
fn piece_after<const US: usize>(board: &Board, step: Step) -> PieceCode {
    match step.promotion {
        0 => board.pieces[step.from & 63],
        promotion => code(US, promotion),
    }
}

/// Squares that a piece of side `US` attacks from `square`.
#[inline(always)]
fn covered<I: Isa, const US: usize>(
    tables: &Tables,
    piece: PieceCode,
    square: usize,
    occupied: u64,
) -> u64 {
    match usize::from(piece & 7) {
        PAWN => tables.pawn[US][square & 63],
        _ => tables.squares::<I>(piece, square, occupied),
    }
}

#[inline(always)]
fn discovering(board: &Board, tables: &Tables, us: u64, king: usize) -> u64 {
    let [bishops, rooks, queens] = [BISHOP, ROOK, QUEEN].map(|role| board.roles[role] & us);
    let diagonal = tables.diagonals[king] & (bishops | queens);
    let straight = tables.straights[king] & (rooks | queens);
    Squares(diagonal | straight)
        .map(|slider| tables.between(king, slider) & board.occupied())
        .filter(|&blockers| has_one_bit(blockers))
        .fold(0, |discovering, blocker| discovering | blocker & us)
}

#[inline(always)]
fn mates<I: Isa, const US: usize>(
    board: &mut Board,
    replies: &mut LegalMoves,
    tables: &Tables,
    step: Step,
) -> bool {
    let before = board.save(step.to);
    board.make::<US>(tables, step);
    match US {
        0 => replies.find::<I, 1>(board, tables),
        _ => replies.find::<I, 0>(board, tables),
    }
    board.restore(&before);
    replies.is_check && replies.len() == 0
}

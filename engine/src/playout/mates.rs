//! The mating moves of a playout's position.

use super::bits::{Isa, Squares, bit, has_one_bit};
use super::board::{Board, Step};
use super::legal::LegalMoves;
use super::tables::{BISHOP, KING, KNIGHT, PAWN, QUEEN, ROOK, Tables, code};

/// The legal moves of side `US` that mate, in canonical order.
#[inline(always)]
pub fn find<I: Isa, const US: usize>(
    board: &Board,
    legal: &LegalMoves,
    tables: &Tables,
) -> Vec<Step> {
    let checks = Checks::new::<I, US>(board, tables);
    let candidates = legal.steps().filter(|step| checks.may_contain(board, step));
    match US {
        0 => candidates
            .filter(|&step| mates::<I, 0, 1>(board, tables, step))
            .collect(),
        _ => candidates
            .filter(|&step| mates::<I, 1, 0>(board, tables, step))
            .collect(),
    }
}

/// Where a move must start or end to give check.
struct Checks {
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
        let reach = |role| tables.reach::<I>(code(US, role), king, board.occupied());
        let (diagonal, straight) = (reach(BISHOP), reach(ROOK));
        let mut by_role = [0; 8];
        by_role[PAWN] = tables.pawn[1 - US][king];
        by_role[KNIGHT] = tables.knight[king];
        by_role[BISHOP] = diagonal;
        by_role[ROOK] = straight;
        by_role[QUEEN] = diagonal | straight;
        Checks {
            by_role,
            discovering: discovering(board, tables, us, king),
        }
    }

    /// Whether the move may give check; it cannot where this is false.
    #[inline(always)]
    fn may_contain(&self, board: &Board, step: &Step) -> bool {
        let role = usize::from(board.pieces[step.from & 63] & 7);
        let is_special = step.promotion != 0
            || (role == PAWN && step.to == board.en_passant)
            || (role == KING && step.from.abs_diff(step.to) == 2);
        self.by_role[role] & bit(step.to) != 0
            || self.discovering & bit(step.from) != 0
            || is_special
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
fn mates<I: Isa, const US: usize, const THEM: usize>(
    board: &Board,
    tables: &Tables,
    step: Step,
) -> bool {
    let mut next = *board;
    next.make::<US>(tables, step);
    let mut replies = LegalMoves::new();
    replies.find::<I, THEM>(&next, tables);
    replies.is_check && replies.len() == 0
}

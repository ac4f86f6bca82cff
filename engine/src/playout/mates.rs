//! The mating moves of a playout's position.

use super::bits::{Squares, bit, has_one_bit};
use super::board::{Board, Step};
use super::isa::Isa;
use super::legal::{LegalMoves, attacked_by};
use super::tables::{BISHOP, KING, KNIGHT, PAWN, QUEEN, ROOK, Tables, code};

/// The legal moves of side `US` that mate, in canonical order.
#[inline(always)]
pub fn find<I: Isa, const US: usize>(
    board: &mut Board,
    legal: &LegalMoves,
    replies: &mut LegalMoves,
    tables: &Tables,
) -> Vec<Step> {
    let checks = Checks::new::<I, US>(board, tables);
    let mut mating = Vec::new();
    for from in Squares(legal.movers) {
        for to in Squares(legal.targets[from] & checks.from(board, from)) {
            let step = Step::plain(from, to);
            if checks.corner::<I, US>(board, tables, step)
                && mates::<I, US>(board, replies, tables, step)
            {
                mating.push(step);
            }
        }
    }
    for step in legal.promotions() {
        if mates::<I, US>(board, replies, tables, step) {
            mating.push(step);
        }
    }
    mating
}

/// Where a move must start or end to give check, and where the enemy king could then go.
struct Checks {
    king: usize,
    /// Squares from which each role attacks the enemy king.
    by_role: [u64; 8],
    /// Own pieces that alone stand between an own slider and the enemy king.
    discovering: u64,
    /// Squares that side `US` attacks, seeing through the enemy king.
    attacked: u64,
    /// Squares that the enemy king could step to now.
    flights: u64,
}

impl Checks {
    #[inline(always)]
    fn new<I: Isa, const US: usize>(board: &Board, tables: &Tables) -> Checks {
        let (us, them) = (board.sides[US], board.sides[1 - US]);
        let king = (board.roles[KING] & them).trailing_zeros() as usize & 63;
        let reach =
            |role| tables.squares::<I>(tables.reach(code(US, role), king), board.occupied());
        let (diagonal, straight) = (reach(BISHOP), reach(ROOK));
        let mut by_role = [0; 8];
        // En passant and castling may check in ways of their own.
        by_role[PAWN] = tables.pawn[1 - US][king] | bit(board.en_passant);
        by_role[KING] = bit(2 + 56 * US) | bit(6 + 56 * US);
        by_role[KNIGHT] = tables.knight[king];
        by_role[BISHOP] = diagonal;
        by_role[ROOK] = straight;
        by_role[QUEEN] = diagonal | straight;
        let attacked = attacked_by::<I>(board, tables, US, board.occupied() ^ bit(king));
        Checks {
            king,
            by_role,
            discovering: discovering(board, tables, us, king),
            attacked,
            flights: tables.king[king] & !them & !attacked,
        }
    }

    /// Where the piece may give check; it gives none elsewhere.
    #[inline(always)]
    fn from(&self, board: &Board, from: usize) -> u64 {
        let discovers = (self.discovering >> from & 1).wrapping_neg();
        self.by_role[usize::from(board.pieces[from] & 7)] | discovers
    }

    /// Whether the move may leave the king no square to go to; it cannot mate where this is false.
    ///
    /// What could take a flight away is the moved piece, or a line opened by its leaving; a square
    /// that nothing of `US` attacks lies on no such line.
    #[inline(always)]
    fn corner<I: Isa, const US: usize>(&self, board: &Board, tables: &Tables, step: Step) -> bool {
        let Step { from, to, .. } = step;
        let piece = board.pieces[from];
        let opens_lines = self.attacked & bit(from) != 0 || to == board.en_passant;
        if opens_lines || usize::from(piece & 7) == KING {
            return true;
        }
        let covered = match usize::from(piece & 7) {
            PAWN => tables.pawn[US][to],
            _ => {
                let occupied = board.occupied() & !bit(from) & !bit(self.king) | bit(to);
                tables.squares::<I>(tables.reach(piece, to), occupied)
            }
        };
        self.flights & !covered & !bit(to) == 0
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

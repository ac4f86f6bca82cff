//! The legal moves of a playout's position, as one set of target squares a piece.

use crate::vocabulary::Vocabulary;

use super::bits::{Squares, bit, has_one_bit};
use super::board::{Board, CASTLING, Step};
use super::isa::{Isa, TokenRow};
use super::tables::{BISHOP, KING, KNIGHT, PAWN, QUEEN, ROOK, Tables, code};

/// Roles promoted to, in token order.
const PROMOTIONS: [usize; 4] = [QUEEN, ROOK, BISHOP, KNIGHT];

/// Legal moves in canonical order: pieces by square, each one's targets by square, promotions last.
#[derive(Clone)]
pub struct LegalMoves {
    /// By square; meaningful under `movers` and `promoting` only.
    pub targets: [u64; 64],
    /// Own pieces whose moves are no promotions.
    pub movers: u64,
    /// Own pawns one step from the last rank.
    promoting: u64,
    n_plain: u32,
    n: u32,
    pub is_check: bool,
    /// Whether an en-passant capture is legal.
    pub en_passant: bool,
}

/// What the king's surroundings forbid the other pieces.
pub struct Constraints {
    pub king: usize,
    checkers: u64,
    pub pinned: u64,
    /// Squares that a piece not pinned may move to.
    pub allowed: u64,
}

impl LegalMoves {
    pub fn new() -> LegalMoves {
        LegalMoves {
            targets: [0; 64],
            movers: 0,
            promoting: 0,
            n_plain: 0,
            n: 0,
            is_check: false,
            en_passant: false,
        }
    }

    /// Number of legal moves.
    #[inline(always)]
    pub fn len(&self) -> u32 {
        self.n
    }

    /// Replace the moves by those of side `US` in this position.
    #[inline(always)]
    pub fn find<I: Isa, const US: usize>(&mut self, board: &Board, tables: &Tables) {
        let constraints = Constraints::new::<US>(board, tables);
        self.is_check = constraints.checkers != 0;
        self.promoting = board.roles[PAWN] & board.sides[US] & [0x00ff_0000_0000_0000, 0xff00][US];
        self.movers = board.sides[US] & !self.promoting;
        self.n_plain = self.find_pieces::<I>(board, tables, constraints.allowed);
        self.find_king::<I, US>(board, tables, &constraints);
        self.restrict_pinned(tables, &constraints);
        self.en_passant = false;
        if board.en_passant != 0 {
            self.find_en_passant::<I, US>(board, tables, &constraints);
        }
        self.n = self.n_plain;
        if self.promoting != 0 {
            self.find_promotions::<I>(board, tables, &constraints);
        }
    }

    /// Targets of all movers but the king, as if nothing were pinned; their number.
    #[inline(always)]
    fn find_pieces<I: Isa>(&mut self, board: &Board, tables: &Tables, allowed: u64) -> u32 {
        let (reached, occupied, mut n) = (tables.reached(), board.occupied(), 0);
        for from in Squares(self.movers & !board.roles[KING]) {
            let targets = board.reach[from].squares::<I>(reached, occupied) & allowed;
            self.targets[from] = targets;
            n += targets.count_ones();
        }
        for from in Squares(self.movers & board.roles[QUEEN]) {
            let straight = tables.straight_reach(from).squares::<I>(reached, occupied) & allowed;
            // The queen's other squares lie on other lines.
            self.targets[from] |= straight;
            n += straight.count_ones();
        }
        n
    }

    #[inline(always)]
    fn find_king<I: Isa, const US: usize>(
        &mut self,
        board: &Board,
        tables: &Tables,
        constraints: &Constraints,
    ) {
        let king = constraints.king;
        // The king blocks no line it flees along.
        let (enemies, occupied) = (board.sides[1 - US], board.occupied() ^ bit(king));
        let danger = attacked_by::<I>(board, tables, 1 - US, enemies, occupied);
        let mut targets = tables.king[king] & !board.sides[US] & !danger;
        if board.castling & CASTLING[US] != 0 && constraints.checkers == 0 {
            targets |= castling_targets::<US>(board, danger);
        }
        self.targets[king] = targets;
        self.n_plain += targets.count_ones();
    }

    #[inline(always)]
    fn restrict_pinned(&mut self, tables: &Tables, constraints: &Constraints) {
        for from in Squares(constraints.pinned & self.movers) {
            let free = self.targets[from];
            self.targets[from] = free & tables.line(constraints.king, from);
            self.n_plain -= (free ^ self.targets[from]).count_ones();
        }
    }

    /// En passant removes two pawns from a line at once: look at the position after it.
    #[inline(always)]
    fn find_en_passant<I: Isa, const US: usize>(
        &mut self,
        board: &Board,
        tables: &Tables,
        constraints: &Constraints,
    ) {
        let target = board.en_passant & 63;
        let pawns = tables.pawn[1 - US][target] & board.sides[US] & board.roles[PAWN];
        for from in Squares(pawns) {
            let victim = bit(target ^ 8);
            let occupied = board.occupied() ^ bit(from) ^ victim ^ bit(target);
            let sliders = slider_attackers::<I, US>(board, tables, constraints.king, occupied);
            let leapers = constraints.checkers & (board.roles[PAWN] | board.roles[KNIGHT]);
            if sliders | leapers & !victim == 0 {
                self.targets[from] |= bit(target);
                self.n_plain += 1;
                self.en_passant = true;
            }
        }
    }

    #[inline(always)]
    fn find_promotions<I: Isa>(
        &mut self,
        board: &Board,
        tables: &Tables,
        constraints: &Constraints,
    ) {
        for from in Squares(self.promoting) {
            let reach = board.reach[from].squares::<I>(tables.reached(), board.occupied());
            let mut targets = reach & constraints.allowed;
            if constraints.pinned & bit(from) != 0 {
                targets &= tables.line(constraints.king, from);
            }
            self.targets[from] = targets;
            self.n += 4 * targets.count_ones();
        }
    }

    /// The `k`-th move in canonical order; `k` is below `len`.
    #[inline(always)]
    pub fn nth<I: Isa>(&self, mut k: u32) -> Step {
        for from in Squares(self.movers) {
            let targets = self.targets[from];
            let count = targets.count_ones();
            if k < count {
                return Step::plain(from, I::nth(targets, k));
            }
            k -= count;
        }
        let Step {
            from,
            to,
            promotion,
        } = self.nth_promotion(k);
        // So the compiler knows that all steps are between squares.
        Step {
            from: from & 63,
            to: to & 63,
            promotion,
        }
    }

    #[inline(never)]
    fn nth_promotion(&self, k: u32) -> Step {
        let all = self.promotions().nth(k as usize);
        all.expect("k is below the number of promotions")
    }

    #[inline(always)]
    pub fn has_promotions(&self) -> bool {
        self.n > self.n_plain
    }

    pub fn promotions(&self) -> impl Iterator<Item = Step> {
        Squares(self.promoting).flat_map(move |from| {
            let targets = self.targets[from];
            // Straight ahead, toward the a-file, toward the h-file.
            let ahead = if from >= 48 { from + 8 } else { from - 8 };
            [ahead, ahead.wrapping_sub(1), ahead + 1]
                .into_iter()
                .filter(move |&to| to < 64 && targets & bit(to) != 0)
                .flat_map(move |to| {
                    PROMOTIONS.map(|promotion| Step {
                        from,
                        to,
                        promotion,
                    })
                })
        })
    }

    /// The tokens of all moves, ascending, at the start of `row`.
    #[inline(always)]
    pub fn tokens<'a, I: Isa>(&self, vocabulary: &Vocabulary, row: &'a mut TokenRow) -> &'a [i16] {
        let mut end = 0;
        for from in Squares(self.movers) {
            let tokens = vocabulary.plain_tokens_from(from);
            end = I::select(tokens, self.targets[from], row, end);
        }
        if self.promoting != 0 {
            self.write_promotions(vocabulary, &mut row[end..]);
        }
        &row[..self.n as usize & 0xff]
    }

    fn write_promotions(&self, vocabulary: &Vocabulary, row: &mut [i16]) {
        let mut n = 0;
        for (step, slot) in self.promotions().zip(row.iter_mut()) {
            *slot = step.token(vocabulary);
            n += 1;
        }
        // Canonical order is the ascending order of one vocabulary only.
        row[..n].sort_unstable();
    }
}

impl Constraints {
    #[inline(always)]
    pub fn new<const US: usize>(board: &Board, tables: &Tables) -> Constraints {
        let us = board.sides[US];
        let king = (board.roles[KING] & us).trailing_zeros() as usize & 63;
        let (diagonal, straight) = enemy_sliders::<US>(board);
        let pawns = tables.pawn[US][king] & board.roles[PAWN];
        let knights = tables.knight[king] & board.roles[KNIGHT];
        let mut checkers = (pawns | knights) & board.sides[1 - US];
        let mut pinned = 0;
        let aligned = tables.diagonals[king] & diagonal | tables.straights[king] & straight;
        for slider in Squares(aligned) {
            let blockers = tables.between(king, slider) & board.occupied();
            checkers |= if blockers == 0 { bit(slider) } else { 0 };
            pinned |= if has_one_bit(blockers) {
                blockers & us
            } else {
                0
            };
        }
        Constraints {
            king,
            checkers,
            pinned,
            allowed: !us & evasions(tables, king, checkers),
        }
    }

    pub fn is_check(&self) -> bool {
        self.checkers != 0
    }
}

/// Squares that answer the check for a piece other than the king; all of them without a check.
#[inline(always)]
fn evasions(tables: &Tables, king: usize, checkers: u64) -> u64 {
    if checkers == 0 {
        !0
    } else if has_one_bit(checkers) {
        checkers | tables.between(king, checkers.trailing_zeros() as usize)
    } else {
        0
    }
}

#[inline(always)]
fn enemy_sliders<const US: usize>(board: &Board) -> (u64, u64) {
    let enemies = board.sides[1 - US];
    let [bishops, rooks, queens] = [BISHOP, ROOK, QUEEN].map(|role| board.roles[role]);
    (enemies & (bishops | queens), enemies & (rooks | queens))
}

/// Enemy sliders that would attack a square of this occupancy.
#[inline(always)]
fn slider_attackers<I: Isa, const US: usize>(
    board: &Board,
    tables: &Tables,
    square: usize,
    occupied: u64,
) -> u64 {
    let (diagonal, straight) = enemy_sliders::<US>(board);
    tables.squares::<I>(code(0, BISHOP), square, occupied) & diagonal
        | tables.squares::<I>(code(0, ROOK), square, occupied) & straight
}

/// Squares that these pieces of a side (0 white, 1 black), its king among them, attack.
#[inline(always)]
pub fn attacked_by<I: Isa>(
    board: &Board,
    tables: &Tables,
    side: usize,
    pieces: u64,
    occupied: u64,
) -> u64 {
    let pawns = board.roles[PAWN] & pieces;
    let king = board.roles[KING] & pieces;
    let reached = tables.reached();
    let mut attacked = attacked_by_pawns(pawns, side);
    attacked |= tables.king[king.trailing_zeros() as usize & 63];
    for from in Squares(pieces ^ pawns ^ king) {
        attacked |= board.reach[from].squares::<I>(reached, occupied);
    }
    for from in Squares(pieces & board.roles[QUEEN]) {
        attacked |= tables.straight_reach(from).squares::<I>(reached, occupied);
    }
    attacked
}

#[inline(always)]
fn attacked_by_pawns(pawns: u64, side: usize) -> u64 {
    const A_FILE: u64 = 0x0101_0101_0101_0101;
    const H_FILE: u64 = A_FILE << 7;
    if side == 0 {
        (pawns & !A_FILE) << 7 | (pawns & !H_FILE) << 9
    } else {
        (pawns & !A_FILE) >> 9 | (pawns & !H_FILE) >> 7
    }
}

/// The king's two-steps, where rights, empty squares and safety allow them.
#[inline(always)]
fn castling_targets<const US: usize>(board: &Board, danger: u64) -> u64 {
    const F1_G1: u64 = 0x60;
    const B1_C1_D1: u64 = 0x0e;
    const C1_D1: u64 = 0x0c;
    let home = 56 * US;
    let rights = board.castling >> (2 * US);
    let free = |squares: u64| board.occupied() & squares << home == 0;
    let safe = |squares: u64| danger & squares << home == 0;
    let mut targets = 0;
    if rights & 1 != 0 && free(F1_G1) && safe(F1_G1) {
        targets |= bit(6 + home);
    }
    if rights & 2 != 0 && free(B1_C1_D1) && safe(C1_D1) {
        targets |= bit(2 + home);
    }
    targets
}

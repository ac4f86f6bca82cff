//! How many men of each side attack each square.

use shakmaty::{Bitboard, Board, Color};

/// Counts of 0 to 31 for all squares at once, one binary digit a word, lowest first. No square has
/// more than 17 attackers of one side.
#[derive(Debug, Clone, Copy, Default)]
pub struct Counts([u64; 5]);

impl Counts {
    /// Count one more on these squares.
    #[inline(always)]
    fn add(&mut self, squares: u64) {
        let mut carry = squares;
        for digit in &mut self.0 {
            (*digit, carry) = (*digit ^ carry, *digit & carry);
        }
    }

    /// Squares with at least one.
    #[inline(always)]
    pub fn any(&self) -> u64 {
        self.0.iter().fold(0, |any, digit| any | digit)
    }

    /// Squares with at least two.
    #[inline(always)]
    pub fn several(&self) -> u64 {
        self.0[1..].iter().fold(0, |any, digit| any | digit)
    }

    /// Squares where these counts are above the others.
    #[inline(always)]
    pub fn above(&self, others: &Counts) -> u64 {
        let digits = self.0.iter().zip(&others.0);
        digits.fold(0, |above, (one, other)| {
            one & !other | above & !(one ^ other)
        })
    }
}

/// What the men of a side attack. Attack is geometric: a pinned man attacks, a defended square
/// counts, nothing is seen through a man, kings included.
pub struct Attacks {
    pub counts: Counts,
    /// Men other than pawns that attack at least two enemies.
    pub forks: u64,
}

impl Attacks {
    #[inline(always)]
    pub fn of(board: &Board, side: Color) -> Attacks {
        let mut attacks = Attacks {
            counts: Counts::default(),
            forks: 0,
        };
        let (men, enemies) = (board.by_color(side), board.by_color(!side));
        for squares in by_pawns(board.pawns() & men, side) {
            attacks.counts.add(squares);
        }
        for from in men & !board.pawns() {
            let squares = board.attacks_from(from);
            attacks.counts.add(squares.0);
            if (squares & enemies).more_than_one() {
                attacks.forks |= Bitboard::from_square(from).0;
            }
        }
        attacks
    }
}

/// Squares that pawns attack toward the a-file and toward the h-file.
#[inline(always)]
fn by_pawns(pawns: Bitboard, side: Color) -> [u64; 2] {
    let (west, east) = (pawns.0 & !A_FILE, pawns.0 & !H_FILE);
    side.fold_wb([west << 7, east << 9], [west >> 9, east >> 7])
}

pub const A_FILE: u64 = 0x0101_0101_0101_0101;
pub const H_FILE: u64 = A_FILE << 7;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_count_and_compare() {
        let (mut many, mut few) = (Counts::default(), Counts::default());
        (0..17).for_each(|_| many.add(1));
        (0..16).for_each(|_| few.add(1));
        many.add(2);
        few.add(4);
        few.add(4);
        assert_eq!([many.any(), many.several()], [3, 1]);
        assert_eq!([few.any(), few.several()], [5, 5]);
        assert_eq!([many.above(&few), few.above(&many)], [3, 4]);
    }
}

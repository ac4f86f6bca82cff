//! Bitboards.

use std::num::NonZeroU64;

/// The squares of a bitboard, ascending.
#[derive(Clone, Copy)]
pub struct Squares(pub u64);

impl Iterator for Squares {
    type Item = usize;

    #[inline(always)]
    fn next(&mut self) -> Option<usize> {
        // Through NonZeroU64 the compiler knows that a square is below 64.
        let square = NonZeroU64::new(self.0)?.trailing_zeros() as usize;
        self.0 &= self.0.wrapping_sub(1);
        Some(square)
    }
}

#[inline(always)]
pub const fn bit(square: usize) -> u64 {
    1 << square
}

#[inline(always)]
pub const fn has_one_bit(word: u64) -> bool {
    word & word.wrapping_sub(1) == 0 && word != 0
}

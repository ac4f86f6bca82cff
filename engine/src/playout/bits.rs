//! Bit tricks of the playout, with and without the BMI2 instructions.

use std::num::NonZeroU64;

/// Two ways to do the same: `pext` gathers the bits of a word under a mask, `nth` finds its n-th
/// set bit.
pub trait Isa {
    fn pext(word: u64, mask: u64) -> u64;

    /// Index of the n-th lowest set bit; `n` is below the number of set bits.
    fn nth(word: u64, n: u32) -> usize;
}

/// x86-64 with BMI2. Only for code that runs inside a function with that target feature.
#[cfg(target_arch = "x86_64")]
pub struct Bmi2;

#[cfg(target_arch = "x86_64")]
impl Isa for Bmi2 {
    #[inline(always)]
    fn pext(word: u64, mask: u64) -> u64 {
        // SAFETY: `Bmi2` is named only where the CPU is known to have BMI2 (`playout::play`).
        unsafe { std::arch::x86_64::_pext_u64(word, mask) }
    }

    #[inline(always)]
    fn nth(word: u64, n: u32) -> usize {
        // SAFETY: as above.
        let bit = unsafe { std::arch::x86_64::_pdep_u64(1 << n, word) };
        (bit.trailing_zeros() & 63) as usize
    }
}

/// Any CPU.
pub struct Portable;

impl Isa for Portable {
    #[inline(always)]
    fn pext(word: u64, mask: u64) -> u64 {
        Squares(mask)
            .enumerate()
            .fold(0, |gathered, (i, bit)| gathered | (word >> bit & 1) << i)
    }

    #[inline(always)]
    fn nth(word: u64, n: u32) -> usize {
        let above = (0..n).fold(word, |rest, _| rest & rest.wrapping_sub(1));
        (above.trailing_zeros() & 63) as usize
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pext_gathers_the_bits_under_the_mask() {
        assert_eq!(Portable::pext(0b1011_0010, 0b1111_0000), 0b1011);
        assert_eq!(Portable::pext(u64::MAX, 1 << 63 | 1), 0b11);
    }

    #[test]
    fn nth_finds_the_nth_set_bit() {
        let word = 1 << 3 | 1 << 17 | 1 << 63;
        assert_eq!([0, 1, 2].map(|n| Portable::nth(word, n)), [3, 17, 63]);
    }

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn both_instruction_sets_agree() {
        if !is_x86_feature_detected!("bmi2") {
            return;
        }
        let mut word: u64 = 0x9e37_79b9_7f4a_7c15;
        for _ in 0..1000 {
            let mask = word.rotate_left(21) ^ word << 3;
            assert_eq!(Bmi2::pext(word, mask), Portable::pext(word, mask));
            let n = word.count_ones() / 2;
            assert_eq!(Bmi2::nth(word, n), Portable::nth(word, n));
            word = word.wrapping_mul(0xbf58_476d_1ce4_e5b9) ^ word >> 29;
        }
    }
}

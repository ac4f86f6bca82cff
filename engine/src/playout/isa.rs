//! What the playout asks of a CPU, with and without special instructions.

use super::bits::Squares;

/// Room for the tokens of one position: no legal position has more than 218 moves.
pub type TokenRow = [i16; 256];

/// The instructions a playout uses. They change its speed, never a game.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Instructions {
    /// Those of any CPU.
    Portable,
    /// x86-64 with AVX2 and BMI2.
    Bmi2,
    /// The same with AVX-512, VBMI2 included.
    Avx512,
}

impl Instructions {
    pub const ALL: [Instructions; 3] = [
        Instructions::Portable,
        Instructions::Bmi2,
        Instructions::Avx512,
    ];

    /// The fastest that this CPU has.
    pub fn best() -> Instructions {
        let available = Instructions::ALL.into_iter().rev();
        let mut available = available.filter(|i| i.are_available());
        available.next().unwrap_or(Instructions::Portable)
    }

    /// Whether this CPU has them.
    pub fn are_available(self) -> bool {
        match self {
            Instructions::Portable => true,
            #[cfg(target_arch = "x86_64")]
            Instructions::Bmi2 => has_bmi2(),
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512 => has_avx512(),
            #[cfg(not(target_arch = "x86_64"))]
            _ => false,
        }
    }
}

#[cfg(target_arch = "x86_64")]
pub fn has_bmi2() -> bool {
    is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("lzcnt")
        && is_x86_feature_detected!("popcnt")
}

#[cfg(target_arch = "x86_64")]
pub fn has_avx512() -> bool {
    has_bmi2()
        && is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vbmi2")
}

/// The operations that the instruction sets do in ways of their own.
pub trait Isa {
    /// The bits of a word under a mask, gathered.
    fn pext(word: u64, mask: u64) -> u64;

    /// Index of the n-th lowest set bit; `n` is below the number of set bits.
    fn nth(word: u64, n: u32) -> usize;

    /// Write the entries at the set bits of a word to `row`, in order, from `start` on; return where
    /// they end. `row` has room for 32 entries more than that, and may be changed there.
    fn select(entries: &[i16; 64], word: u64, row: &mut TokenRow, start: usize) -> usize;
}

/// [`Instructions::Bmi2`]. Only for code that runs inside a function with those target features.
#[cfg(target_arch = "x86_64")]
pub struct Bmi2;

#[cfg(target_arch = "x86_64")]
impl Isa for Bmi2 {
    #[inline(always)]
    fn pext(word: u64, mask: u64) -> u64 {
        // SAFETY: `Bmi2` is named only where the CPU is known to have BMI2 (`playout::play_with`).
        unsafe { std::arch::x86_64::_pext_u64(word, mask) }
    }

    #[inline(always)]
    fn nth(word: u64, n: u32) -> usize {
        // SAFETY: as above.
        let bit = unsafe { std::arch::x86_64::_pdep_u64(1 << n, word) };
        (bit.trailing_zeros() & 63) as usize
    }

    #[inline(always)]
    fn select(entries: &[i16; 64], word: u64, row: &mut TokenRow, start: usize) -> usize {
        Portable::select(entries, word, row, start)
    }
}

/// [`Instructions::Avx512`]. Only for code that runs inside a function with those target features.
#[cfg(target_arch = "x86_64")]
pub struct Avx512;

#[cfg(target_arch = "x86_64")]
impl Isa for Avx512 {
    #[inline(always)]
    fn pext(word: u64, mask: u64) -> u64 {
        Bmi2::pext(word, mask)
    }

    #[inline(always)]
    fn nth(word: u64, n: u32) -> usize {
        Bmi2::nth(word, n)
    }

    /// Half the entries at a time: all that are selected, moved together, and zeros after them.
    #[inline(always)]
    fn select(entries: &[i16; 64], word: u64, row: &mut TokenRow, start: usize) -> usize {
        let mut end = start;
        for (entries, word) in entries.as_chunks::<32>().0.iter().zip([word, word >> 32]) {
            let slots = &mut row[end..end + 32];
            // SAFETY: `Avx512` is named only where the CPU is known to have the instructions, and
            // 32 entries are read from and written to places that have them.
            unsafe {
                use std::arch::x86_64::*;
                let entries = _mm512_loadu_epi16(entries.as_ptr());
                let selected = _mm512_maskz_compress_epi16(word as u32, entries);
                _mm512_storeu_epi16(slots.as_mut_ptr(), selected);
            }
            end += (word as u32).count_ones() as usize;
        }
        end
    }
}

/// [`Instructions::Portable`].
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

    #[inline(always)]
    fn select(entries: &[i16; 64], word: u64, row: &mut TokenRow, start: usize) -> usize {
        let mut end = start;
        for i in Squares(word) {
            row[end % row.len()] = entries[i];
            end += 1;
        }
        end
    }
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
    fn select_takes_the_entries_under_the_bits() {
        let entries = std::array::from_fn(|i| 100 + i as i16);
        let mut row = [0; 256];
        let end = Portable::select(&entries, 1 << 3 | 1 << 31 | 1 << 32 | 1 << 63, &mut row, 7);
        assert_eq!(row[7..end], [103, 131, 132, 163]);
    }

    /// Compare with `Portable` on words of every density.
    #[cfg(target_arch = "x86_64")]
    fn assert_agrees<I: Isa>() {
        let entries = std::array::from_fn(|i| 1000 - i as i16);
        let mut word: u64 = 0x9e37_79b9_7f4a_7c15;
        for _ in 0..1000 {
            let mask = word.rotate_left(21) ^ word << 3;
            for word in [word, word & mask, word | mask, word & mask & mask >> 1] {
                assert_eq!(I::pext(word, mask), Portable::pext(word, mask));
                let n = word.count_ones() / 2;
                assert_eq!(I::nth(word, n), Portable::nth(word, n));
                let (mut row, mut expected) = ([0; 256], [0; 256]);
                let end = I::select(&entries, word, &mut row, 154);
                assert_eq!(end, Portable::select(&entries, word, &mut expected, 154));
                assert_eq!(row[..end], expected[..end]);
            }
            word = word.wrapping_mul(0xbf58_476d_1ce4_e5b9) ^ word >> 29;
        }
    }

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn all_instructions_agree() {
        if Instructions::Bmi2.are_available() {
            assert_agrees::<Bmi2>();
        }
        if Instructions::Avx512.are_available() {
            assert_agrees::<Avx512>();
        }
    }
}

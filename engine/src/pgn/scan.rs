//! Bytes looked for in a few at a time, where they are near: a call of memchr costs more than that.

/// Bytes that are looked at in one step.
pub const SPAN: usize = 32;

/// Where any of some bytes stand, as bits.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub fn places_of<const N: usize>(bytes: [u8; N], span: &[u8; SPAN]) -> u32 {
    use std::arch::x86_64::*;
    let halves = span.as_chunks::<16>().0;
    let places = |half: &[u8; 16]| {
        // SAFETY: a half is 16 bytes long, and every such CPU has SSE2.
        unsafe {
            let half = _mm_loadu_si128(half.as_ptr().cast());
            let is = |byte: u8| _mm_cmpeq_epi8(half, _mm_set1_epi8(byte as i8));
            let found = bytes.into_iter().map(is).reduce(|a, b| _mm_or_si128(a, b));
            found.map_or(0, |found| _mm_movemask_epi8(found) as u32)
        }
    };
    places(&halves[0]) | places(&halves[1]) << 16
}

#[cfg(not(target_arch = "x86_64"))]
pub fn places_of<const N: usize>(bytes: [u8; N], span: &[u8; SPAN]) -> u32 {
    one_by_one(bytes, span)
}

#[cfg(any(test, not(target_arch = "x86_64")))]
fn one_by_one<const N: usize>(bytes: [u8; N], span: &[u8; SPAN]) -> u32 {
    let places = span.iter().enumerate();
    places.fold(0, |all, (i, byte)| {
        all | u32::from(bytes.contains(byte)) << i
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_found_as_one_by_one() {
        for first in 0..=255_u8 {
            let span = std::array::from_fn(|i| first.wrapping_add(7_u8.wrapping_mul(i as u8)));
            assert_eq!(
                places_of([b'}', b'\n', 0xbd], &span),
                one_by_one([b'}', b'\n', 0xbd], &span)
            );
            assert_eq!(places_of([b'"'], &span), one_by_one([b'"'], &span));
        }
    }
}

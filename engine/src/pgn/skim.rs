//! Passing over moves that nobody asks for.

use super::lexer::Lexer;
use super::san;

/// Bytes that are looked at in one step.
const BLOCK: usize = 64;

impl Lexer<'_> {
    /// Go past the word that starts here, and past what is glued to it unless it is a move: a result
    /// may follow one without a space.
    #[inline]
    pub fn pass_word(&mut self) {
        let start = self.at;
        let word = self.skip_word();
        if word.iter().copied().any(is_sign)
            && let Some(length) = san::length(&self.text[start..])
        {
            self.at = start + length;
        }
    }

    /// Go on from a place where a token may start, to another, past tokens that are neither results
    /// nor variations nor line breaks, nor broken. What stands there may be one.
    #[inline]
    pub fn skim(&mut self) {
        self.at = skim(self.text, self.at);
    }
}

/// Whether a byte outside a comment may be, or end, something else than words, numbers and signs.
#[inline]
const fn is_sign(byte: u8) -> bool {
    matches!(byte, b'('..=b'*' | b'-' | b'/' | b':' | b';' | b'$' | 0x80..)
}

fn skim(text: &[u8], from: usize) -> usize {
    let (mut at, mut comment) = (from, from);
    // All ones inside a comment, else all zeros.
    let mut inside: u64 = 0;
    while let Some(block) = text[at..].first_chunk() {
        let Bytes {
            opens,
            closes,
            breaks,
            signs,
        } = Bytes::of(block);
        let within = parities(opens | closes) ^ inside;
        let before = within ^ (opens | closes);
        let is_unpaired = opens & before | closes & !before;
        let mut stops = breaks | is_unpaired | signs & !within;
        while stops != 0 {
            let i = stops.trailing_zeros();
            if !is_castling(text, at + i as usize) {
                let opens = opens & ((1 << i) - 1);
                let comment = last(opens).map_or(comment, |last| at + last);
                return match before >> i & 1 {
                    1 => comment,
                    _ => token_start(text, from, at + i as usize),
                };
            }
            stops &= stops - 1;
        }
        comment = last(opens).map_or(comment, |last| at + last);
        inside = ((within as i64) >> 63) as u64;
        at += BLOCK;
    }
    match inside {
        0 => token_start(text, from, at),
        _ => comment,
    }
}

/// The dash of a castling.
#[inline]
fn is_castling(text: &[u8], at: usize) -> bool {
    text[at] == b'-' && text[at - 1] == b'O' && text.get(at + 1) == Some(&b'O')
}

/// Where the token starts that this place is in or behind.
fn token_start(text: &[u8], from: usize, at: usize) -> usize {
    let ends = |byte: &u8| byte.is_ascii_whitespace() || *byte == b'}';
    let before = text[from..at].iter().rposition(ends);
    before.map_or(from, |before| from + before + 1)
}

/// The index of the highest bit.
#[inline]
fn last(bits: u64) -> Option<usize> {
    bits.checked_ilog2().map(|last| last as usize)
}

/// Whether the number of bits up to each one is odd.
#[inline]
fn parities(bits: u64) -> u64 {
    (0..6).fold(bits, |bits, step| bits ^ bits << (1 << step))
}

/// Where some bytes stand in a block, as bits.
#[derive(Debug, PartialEq, Eq)]
struct Bytes {
    opens: u64,
    closes: u64,
    breaks: u64,
    /// As [`is_sign`].
    signs: u64,
}

impl Bytes {
    #[cfg(target_arch = "x86_64")]
    #[inline]
    fn of(block: &[u8; BLOCK]) -> Bytes {
        use std::arch::x86_64::*;
        let mut bytes = Bytes::NONE;
        for (i, quarter) in block.chunks_exact(16).enumerate() {
            // SAFETY: a quarter is 16 bytes long, and every such CPU has SSE2.
            unsafe {
                let quarter = _mm_loadu_si128(quarter.as_ptr().cast());
                let is = |byte: u8| _mm_cmpeq_epi8(quarter, _mm_set1_epi8(byte as i8));
                let mask = |flags| u64::from(_mm_movemask_epi8(flags) as u32) << (16 * i);
                let is_either = |byte: u8, bit: u8| {
                    let either = _mm_or_si128(quarter, _mm_set1_epi8(bit as i8));
                    _mm_cmpeq_epi8(either, _mm_set1_epi8((byte | bit) as i8))
                };
                // `(` and `*` differ by one bit, as do `-` and `/`, and `:` and `;`.
                let pairs = [is_either(b'(', 2), is_either(b'-', 2), is_either(b':', 1)];
                let others = [is(b')'), is(b'$'), quarter];
                let signs = pairs.into_iter().chain(others);
                let signs = signs.reduce(|a, b| _mm_or_si128(a, b));
                bytes.opens |= mask(is(b'{'));
                bytes.closes |= mask(is(b'}'));
                bytes.breaks |= mask(is(b'\n'));
                bytes.signs |= signs.map_or(0, mask);
            }
        }
        bytes
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn of(block: &[u8; BLOCK]) -> Bytes {
        Bytes::one_by_one(block)
    }

    #[cfg(any(test, not(target_arch = "x86_64")))]
    fn one_by_one(block: &[u8; BLOCK]) -> Bytes {
        let mut bytes = Bytes::NONE;
        for (i, &byte) in block.iter().enumerate() {
            bytes.opens |= u64::from(byte == b'{') << i;
            bytes.closes |= u64::from(byte == b'}') << i;
            bytes.breaks |= u64::from(byte == b'\n') << i;
            bytes.signs |= u64::from(is_sign(byte)) << i;
        }
        bytes
    }

    const NONE: Bytes = Bytes {
        opens: 0,
        closes: 0,
        breaks: 0,
        signs: 0,
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_found_as_one_by_one() {
        for first in 0..=255_u8 {
            let block = std::array::from_fn(|i| first.wrapping_add(7_u8.wrapping_mul(i as u8)));
            assert_eq!(Bytes::of(&block), Bytes::one_by_one(&block));
        }
    }

    fn rest_behind_skimmed(text: &str) -> String {
        let text = format!("e4 {{-}} {text}{}", " ".repeat(100));
        let at = skim(text.as_bytes(), 2);
        text[at..].trim_end().to_owned()
    }

    #[test]
    fn skimming_stops_before_what_may_end_a_game() {
        for stop in [
            "1-0", "*", "½", "(e5)", "; e5", "$1", "e5*", "--", "{ no end", "} e5", "e.p.-O",
        ] {
            assert_eq!(
                rest_behind_skimmed(&format!("O-O-O Nf3!? {{x{{x}} {stop} d4")),
                format!("{{x{{x}} {stop} d4")
            );
            assert_eq!(
                rest_behind_skimmed(&format!("O-O-O Nf3!? {{-}} {stop} d4")),
                format!("{stop} d4")
            );
        }
        assert_eq!(rest_behind_skimmed("e5\nd4"), "e5\nd4");
        assert_eq!(rest_behind_skimmed("{ a\nb } d4"), "{ a\nb } d4");
    }
}

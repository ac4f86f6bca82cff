//! What a completion's characters say, read strictly.

use shakmaty::uci::UciMove;

use crate::vocabulary::TokenMove;

/// Runs of ASCII whitespace become one blank, and those at either end go.
pub fn collapse(text: &str) -> String {
    let mut collapsed = String::with_capacity(text.len());
    for word in text.split_ascii_whitespace() {
        if !collapsed.is_empty() {
            collapsed.push(' ');
        }
        collapsed.push_str(word);
    }
    collapsed
}

/// A finite decimal as a row writes it: ASCII digits with an optional minus sign and fraction, no
/// exponent and no leading zeros.
///
/// ```
/// use chess_engine::tasks::text::decimal;
/// assert_eq!(decimal("-0.35"), Some(-0.35));
/// for text in ["nan", "inf", "1e3", "+1", ".5", "5.", "007", "1_0", "１"] {
///     assert_eq!(decimal(text), None);
/// }
/// ```
pub fn decimal(text: &str) -> Option<f64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = match digits.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (digits, None),
    };
    let is_decimal = is_whole(whole) && fraction.is_none_or(is_digits);
    let value: f64 = is_decimal.then(|| text.parse().ok())??;
    value.is_finite().then_some(value)
}

/// Whether this is a whole number without leading zeros.
fn is_whole(text: &str) -> bool {
    is_digits(text) && (text.len() == 1 || !text.starts_with('0'))
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A move in UCI as a row writes it: two squares and, for a promotion, one of q, r, b, n.
pub fn uci(text: &str) -> Option<TokenMove> {
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return None;
    }
    let Ok(UciMove::Normal {
        from,
        to,
        promotion,
    }) = UciMove::from_ascii(text.as_bytes())
    else {
        return None;
    };
    let m = TokenMove {
        from,
        to,
        promotion,
    };
    (promotion.is_none() || m.promotion_code() > 0).then_some(m)
}

/// The longest text that [`similarity`] measures others against.
const LONGEST: usize = u128::BITS as usize;

/// 1 - Levenshtein distance / length of the longer text, in characters. `right` is ASCII and 1 to
/// 128 long, as every FEN is.
pub fn similarity(right: &str, written: &str) -> f64 {
    let (distance, length) = distance(right.as_bytes(), written);
    1.0 - distance as f64 / right.len().max(length) as f64
}

/// The Levenshtein distance and the number of characters of `written`: a column of the table in
/// one word (Hyyrö 2003, "A bit-vector algorithm for computing Levenshtein and Damerau edit
/// distances").
fn distance(right: &[u8], written: &str) -> (usize, usize) {
    assert!((1..=LONGEST).contains(&right.len()) && right.is_ascii());
    let mut equal = [0_u128; 128];
    for (i, &byte) in right.iter().enumerate() {
        equal[usize::from(byte)] |= 1 << i;
    }
    let last = 1_u128 << (right.len() - 1);
    let (mut up, mut down) = (u128::MAX, 0_u128);
    let (mut distance, mut length) = (right.len(), 0);
    for character in written.chars() {
        length += 1;
        let equal = equal.get(character as usize).copied().unwrap_or(0);
        let vertical = equal | down;
        let horizontal = (equal & up).wrapping_add(up) ^ up | equal;
        let rises = down | !(horizontal | up);
        let falls = up & horizontal;
        distance += usize::from(rises & last != 0);
        distance -= usize::from(falls & last != 0);
        let rises = rises << 1 | 1;
        up = falls << 1 | !(vertical | rises);
        down = rises & vertical;
    }
    (distance, length)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of the textbook.
    fn table(a: &str, b: &str) -> usize {
        let b: Vec<char> = b.chars().collect();
        let mut row: Vec<usize> = (0..=b.len()).collect();
        for (i, x) in a.chars().enumerate() {
            let mut diagonal = row[0];
            row[0] = i + 1;
            for (j, &y) in b.iter().enumerate() {
                let kept = diagonal + usize::from(x != y);
                diagonal = row[j + 1];
                row[j + 1] = kept.min(row[j] + 1).min(diagonal + 1);
            }
        }
        row[b.len()]
    }

    #[test]
    fn distances_are_those_of_the_textbook() {
        let long = "x".repeat(128);
        let texts = ["a", "kitten", "sitting", "8/8/8/4k3/8 w - -", &long];
        let written = [
            "",
            "a",
            "sitting",
            "sütting",
            "8/8/7/4k2/8  w",
            "xxxx",
            "♔♔",
        ];
        for right in texts {
            for written in written.iter().chain(&texts) {
                let (distance, length) = distance(right.as_bytes(), written);
                assert_eq!(distance, table(right, written), "{right} {written}");
                assert_eq!(length, written.chars().count());
            }
        }
    }

    #[test]
    fn a_move_is_read_as_it_is_written() {
        for text in ["e2e4", "a7a8q", "h2g1n"] {
            assert_eq!(uci(text).unwrap().uci().to_string(), text);
        }
        let refused = [
            "", "e2", "e2e9", "E2E4", "e7e8Q", "e7e8k", "e7e8p", "0000", "Q@e4", "é2e4",
        ];
        for text in refused {
            assert_eq!(uci(text), None, "{text}");
        }
    }

    #[test]
    fn a_number_too_large_for_a_float_is_none() {
        assert_eq!(decimal(&"9".repeat(400)), None);
        assert_eq!(decimal(&format!("0.{}", "0".repeat(400))), Some(0.0));
    }
}

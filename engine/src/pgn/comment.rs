//! What servers write into comments: `[%clk 0:03:00]` and `[%eval 0.17]`.

/// What one comment says about the ply before it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Annotations {
    /// Seconds on the clock of the side that just moved.
    pub clock: Option<f32>,
    /// An engine's evaluation in pawns for white; infinite for a mate.
    pub evaluation: Option<f32>,
}

/// The first clock and the first evaluation of a comment. White space, line breaks too, may stand
/// between the parts of a command: files are wrapped at any space.
///
/// ```
/// use chess_engine::pgn::comment::annotations;
/// let read = |text: &str| {
///     let said = annotations(text.as_bytes());
///     (said.clock, said.evaluation)
/// };
/// assert_eq!(read("[%eval 0.17] [%clk 1:02:03]"), (Some(3723.0), Some(0.17)));
/// assert_eq!(read("[%clk 0:00:01.5]"), (Some(1.5), None));
/// assert_eq!(read("[%eval -1.25,20]"), (None, Some(-1.25)));
/// assert_eq!(read("[%eval #-3]"), (None, Some(f32::NEG_INFINITY)));
/// assert_eq!(read("[%clk\n0:00:49 ][ %eval  0.31 , 20]"), (Some(49.0), Some(0.31)));
/// assert_eq!(read("a comment [%eval NaN] [%clk 1:2]"), (None, None));
/// ```
#[inline(always)]
pub fn annotations(comment: &[u8]) -> Annotations {
    let mut said = Annotations {
        clock: lone_clock(comment),
        evaluation: None,
    };
    if said.clock.is_some() {
        return said;
    }
    let mut rest = comment;
    while let Some(start) = rest.iter().position(|&byte| byte == b'[') {
        rest = rest[start + 1..].trim_ascii_start();
        if let Some(text) = command(rest, b"%clk") {
            said.clock = said.clock.or_else(|| clock(text));
        } else if let Some(text) = command(rest, b"%eval") {
            said.evaluation = said.evaluation.or_else(|| evaluation(text));
        }
    }
    said
}

/// What stands behind the name of a command.
#[inline(always)]
fn command<'a>(text: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let text = text.strip_prefix(name)?;
    text.first()?
        .is_ascii_whitespace()
        .then(|| text.trim_ascii_start())
}

/// The clock of a comment that has nothing else, as Lichess writes it.
#[inline(always)]
fn lone_clock(comment: &[u8]) -> Option<f32> {
    let (text, end) = comment.strip_prefix(b" [%clk ")?.split_first_chunk()?;
    plain_clock(text).filter(|_| end == b" ")
}

#[inline(always)]
fn clock(text: &[u8]) -> Option<f32> {
    let plain = text.first_chunk().and_then(plain_clock);
    plain.or_else(|| any_clock(text))
}

/// `0:03:00]`.
#[inline(always)]
fn plain_clock(&[h, a, m, n, b, s, t, end]: &[u8; 8]) -> Option<f32> {
    let digits = [h, m, n, s, t].map(|digit| u32::from(digit.wrapping_sub(b'0')));
    let is_plain = digits.iter().all(|&digit| digit < 10) && [a, b, end] == *b"::]";
    let [h, m, n, s, t] = digits;
    is_plain.then(|| (h * 3600 + (m * 10 + n) * 60 + s * 10 + t) as f32)
}

#[inline(never)]
fn any_clock(text: &[u8]) -> Option<f32> {
    let (hours, rest) = whole(text)?;
    let (minutes, rest) = whole(behind(rest, b":")?)?;
    let (seconds, rest) = decimal(behind(rest, b":")?)?;
    closes(rest).then_some((hours * 3600.0 + minutes * 60.0 + seconds) as f32)
}

/// The text behind a sign that may have white space around it.
#[inline]
fn behind<'a>(text: &'a [u8], sign: &[u8]) -> Option<&'a [u8]> {
    let text = text.trim_ascii_start().strip_prefix(sign)?;
    Some(text.trim_ascii_start())
}

#[inline(never)]
fn evaluation(text: &[u8]) -> Option<f32> {
    let (text, is_mate) = match behind(text, b"#") {
        Some(text) => (text, true),
        None => (text, false),
    };
    let (sign, text) = match text {
        [b'-', text @ ..] => (-1.0, text),
        [b'+', text @ ..] => (1.0, text),
        _ => (1.0, text),
    };
    let (pawns, rest) = decimal(text)?;
    let rest = match behind(rest, b",") {
        Some(depth) => whole(depth)?.1,
        None => rest,
    };
    let size = if is_mate { f64::INFINITY } else { pawns };
    closes(rest).then_some((sign * size) as f32)
}

fn closes(rest: &[u8]) -> bool {
    rest.trim_ascii_start().starts_with(b"]")
}

#[inline]
fn whole(text: &[u8]) -> Option<(f64, &[u8])> {
    let (value, digits) = digits(text);
    (1..=9)
        .contains(&digits)
        .then_some((value as f64, &text[digits..]))
}

/// A number with or without a fraction; exact in `f64` up to its one division.
#[inline]
fn decimal(text: &[u8]) -> Option<(f64, &[u8])> {
    const POWERS: [f64; 10] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];
    let (units, n_units) = digits(text);
    let Some(fraction) = text[n_units..].strip_prefix(b".") else {
        return whole(text);
    };
    let (parts, n_parts) = digits(fraction);
    if n_units + n_parts == 0 || n_units > 9 || n_parts > 6 {
        return None;
    }
    let scale = POWERS[n_parts];
    let value = (units as f64 * scale + parts as f64) / scale;
    Some((value, &fraction[n_parts..]))
}

/// The value of the leading digits and how many there are.
#[inline]
fn digits(text: &[u8]) -> (u64, usize) {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit());
    digits.fold((0, 0), |(value, n), &digit| {
        let value: u64 = value;
        (
            value.wrapping_mul(10).wrapping_add(u64::from(digit - b'0')),
            n + 1,
        )
    })
}

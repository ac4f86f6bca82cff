//! What servers write into comments: `[%clk 0:03:00]` and `[%eval 0.17]`.

/// Seconds on the clock of the side that just moved.
///
/// ```
/// use chess_engine::pgn::comment::clock;
/// assert_eq!(clock(b"[%eval 0.17] [%clk 1:02:03]"), Some(3723.0));
/// assert_eq!(clock(b"[%clk 0:00:01.5]"), Some(1.5));
/// assert_eq!(clock(b"a comment"), None);
/// ```
pub fn clock(comment: &[u8]) -> Option<f32> {
    let text = field(comment, "[%clk ")?;
    let mut parts = text.split(':');
    let (hours, minutes) = (parts.next()?, parts.next()?);
    let seconds: f32 = parts.next()?.parse().ok()?;
    let minutes = hours.parse::<u32>().ok()? as f32 * 60.0 + minutes.parse::<u32>().ok()? as f32;
    (parts.next().is_none() && seconds >= 0.0).then_some(minutes * 60.0 + seconds)
}

/// An engine's evaluation in pawns for white; infinite for a mate.
///
/// ```
/// use chess_engine::pgn::comment::evaluation;
/// assert_eq!(evaluation(b"[%eval -1.25,20]"), Some(-1.25));
/// assert_eq!(evaluation(b"[%eval #-3]"), Some(f32::NEG_INFINITY));
/// assert_eq!(evaluation(b"[%eval NaN]"), None);
/// ```
pub fn evaluation(comment: &[u8]) -> Option<f32> {
    let text = field(comment, "[%eval ")?;
    let text = text.split(',').next()?;
    if let Some(mate) = text.strip_prefix('#') {
        let plies: i32 = mate.parse().ok()?;
        return Some(if plies < 0 {
            f32::NEG_INFINITY
        } else {
            f32::INFINITY
        });
    }
    text.parse().ok().filter(|pawns: &f32| pawns.is_finite())
}

fn field<'a>(comment: &'a [u8], opening: &str) -> Option<&'a str> {
    let comment = std::str::from_utf8(comment).ok()?;
    let start = comment.find(opening)? + opening.len();
    let rest = &comment[start..];
    Some(rest[..rest.find(']')?].trim())
}

//! How long the players of a game may think.

/// What a `TimeControl` tag says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum TimeControl {
    /// Seconds at the start, and seconds for each move.
    Clock { base: f64, increment: f64 },
    /// Several periods, each of some moves or for the rest of the game: the sum of their seconds,
    /// and the largest increment.
    Periods { base: f64, increment: f64 },
    /// No clock: days for a move, or no limit.
    Correspondence,
}

/// Classes of time controls, fast to slow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Speed {
    Ultrabullet = 0,
    Bullet = 1,
    Blitz = 2,
    Rapid = 3,
    Classical = 4,
    Correspondence = 5,
}

/// Moves of a game as it is expected to go on, by Lichess's rule.
const EXPECTED_MOVES: f64 = 40.0;
/// Seconds from which on a game is in the next class, by the same rule.
const LIMITS: [f64; 5] = [30.0, 180.0, 480.0, 1500.0, 21_600.0];

impl Speed {
    pub const NAMES: [&'static str; 6] = [
        "ultrabullet",
        "bullet",
        "blitz",
        "rapid",
        "classical",
        "correspondence",
    ];
}

impl TimeControl {
    /// `300+3`, `300` (no increment), `40/7200:3600` (periods), `-` (no clock). `None` for `?`, for
    /// hourglasses (`*180`) and for whatever else.
    ///
    /// ```
    /// use chess_engine::pgn::TimeControl;
    /// let read = |text: &str| TimeControl::of_tag(text.as_bytes());
    /// let clock = |base, increment| Some(TimeControl::Clock { base, increment });
    /// let periods = |base, increment| Some(TimeControl::Periods { base, increment });
    /// assert_eq!(read("300+3"), clock(300.0, 3.0));
    /// assert_eq!(read("10+0.1"), clock(10.0, 0.1));
    /// assert_eq!(read("300"), clock(300.0, 0.0));
    /// assert_eq!(read("40/7200:3600"), periods(10_800.0, 0.0));
    /// assert_eq!(read("40/5400+30:900+30"), periods(6_300.0, 30.0));
    /// assert_eq!(read("1/86400"), periods(86_400.0, 0.0));
    /// assert_eq!(read("-"), Some(TimeControl::Correspondence));
    /// for text in ["", "?", "*180", "300+", "+3", "5 min", "300+3+1", "1e3", "300:"] {
    ///     assert_eq!(read(text), None, "{text}");
    /// }
    /// ```
    pub fn of_tag(value: &[u8]) -> Option<TimeControl> {
        let text = std::str::from_utf8(value).ok()?.trim();
        if text == "-" {
            return Some(TimeControl::Correspondence);
        }
        if let Some((base, increment)) = clock(text) {
            return Some(TimeControl::Clock { base, increment });
        }
        let (mut base, mut increment) = (0.0, 0.0_f64);
        for period in text.split(':') {
            let (seconds, more) = clock(behind_moves(period)?)?;
            base += seconds;
            increment = increment.max(more);
        }
        Some(TimeControl::Periods { base, increment })
    }

    /// By Lichess's rule: the seconds at the start and 40 increments.
    pub fn speed(self) -> Speed {
        let (TimeControl::Clock { base, increment } | TimeControl::Periods { base, increment }) =
            self
        else {
            return Speed::Correspondence;
        };
        let seconds = base + EXPECTED_MOVES * increment;
        match LIMITS.iter().filter(|&&limit| seconds >= limit).count() {
            0 => Speed::Ultrabullet,
            1 => Speed::Bullet,
            2 => Speed::Blitz,
            3 => Speed::Rapid,
            4 => Speed::Classical,
            _ => Speed::Correspondence,
        }
    }
}

/// What stands behind the number of moves of a period, where it has one.
fn behind_moves(period: &str) -> Option<&str> {
    match period.split_once('/') {
        Some((moves, rest)) => number(moves).map(|_| rest),
        None => Some(period),
    }
}

/// Seconds, and the increment.
fn clock(text: &str) -> Option<(f64, f64)> {
    match text.split_once('+') {
        Some((base, increment)) => Some((number(base)?, number(increment)?)),
        None => Some((number(text)?, 0.0)),
    }
}

fn number(text: &str) -> Option<f64> {
    let is_plain = |byte: u8| byte.is_ascii_digit() || byte == b'.';
    let number = text.bytes().all(is_plain).then(|| text.parse().ok());
    number?.filter(|number: &f64| number.is_finite())
}

/// Which time controls are wanted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum TimeControls {
    /// Those of some classes: a bit each.
    Speeds(u8),
    /// This one.
    Only(TimeControl),
}

impl TimeControls {
    /// Names of classes with commas between them, or one clock.
    ///
    /// ```
    /// use chess_engine::pgn::{TimeControl, TimeControls};
    /// let allows = |wanted: &str, tag: &str| {
    ///     let control = TimeControl::of_tag(tag.as_bytes());
    ///     TimeControls::parse(wanted).unwrap().allow(control)
    /// };
    /// assert!(allows("blitz, rapid", "300+3") && !allows("blitz", "600"));
    /// assert!(allows("300+0", "300") && !allows("300+3", "300+2") && !allows("300+3", "?"));
    /// assert!(TimeControls::parse("fast").is_none() && TimeControls::parse("40/300").is_none());
    /// ```
    pub fn parse(text: &str) -> Option<TimeControls> {
        if let Some((base, increment)) = clock(text.trim()) {
            return Some(TimeControls::Only(TimeControl::Clock { base, increment }));
        }
        let bit = |name: &str| {
            let speed = Speed::NAMES
                .iter()
                .position(|&speed| speed == name.trim())?;
            Some(1 << speed)
        };
        let bits = text
            .split(',')
            .try_fold(0, |bits, name| Some(bits | bit(name)?));
        bits.map(TimeControls::Speeds)
    }

    /// Whether a game with this time control is wanted; one without is not.
    pub fn allow(self, control: Option<TimeControl>) -> bool {
        control.is_some_and(|control| match self {
            TimeControls::Speeds(bits) => bits >> control.speed() as u8 & 1 == 1,
            TimeControls::Only(wanted) => wanted == control,
        })
    }
}

//! Days of the calendar.

/// A day; days are in the order of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

impl Date {
    /// `2024-01-31`, also with dots or slashes; `None` where a part is unknown, or no such day is.
    ///
    /// ```
    /// use chess_engine::pgn::Date;
    /// assert!(Date::parse(b"2024.02.29") < Date::parse(b"2024-03-01"));
    /// for text in ["2023.02.29", "2024.??.??", "2024.1.1", "2024-01.31", ""] {
    ///     assert_eq!(Date::parse(text.as_bytes()), None);
    /// }
    /// ```
    pub fn parse(text: &[u8]) -> Option<Date> {
        let &[y, e, a, r, apart, m, o, again, d, i] = text.trim_ascii() else {
            return None;
        };
        if !b".-/".contains(&apart) || again != apart {
            return None;
        }
        let date = Date {
            year: number(&[y, e, a, r])?,
            month: number(&[m, o])? as u8,
            day: number(&[d, i])? as u8,
        };
        (1..=date.days_of_month())
            .contains(&date.day)
            .then_some(date)
    }

    /// 0 where there is no such month.
    fn days_of_month(self) -> u8 {
        match self.month {
            4 | 6 | 9 | 11 => 30,
            2 if self.is_leap_year() => 29,
            2 => 28,
            1..=12 => 31,
            _ => 0,
        }
    }

    fn is_leap_year(self) -> bool {
        let divides = |n| self.year.is_multiple_of(n);
        divides(4) && (!divides(100) || divides(400))
    }
}

fn number(digits: &[u8]) -> Option<u16> {
    let digit = |byte: &u8| byte.is_ascii_digit().then(|| u16::from(byte - b'0'));
    digits
        .iter()
        .try_fold(0, |value, byte| Some(10 * value + digit(byte)?))
}

//! Checked scalar arguments.

use std::ops::{Range, RangeInclusive};

use pyo3::prelude::*;
use shakmaty::{CastlingMode, Color};

use crate::error::{Error, Result};
use crate::playout::Rules;
use crate::random_games::RandomGames;
use crate::rng::Probability;
use crate::threads::MAX_THREADS;
use crate::vocabulary::Vocabulary;

/// The longest game the 75-move rule allows is 17,697 plies.
const PLIES: RangeInclusive<u64> = 1..=20_000;

/// Any Python object where a `T` is wanted; checked once the argument's name is known.
pub struct Unchecked<T> {
    value: Option<T>,
    text: String,
}

pub type Integer = Unchecked<u64>;
pub type Number = Unchecked<f64>;

impl<T: ToString> Unchecked<T> {
    pub fn of(value: T) -> Unchecked<T> {
        Unchecked {
            text: value.to_string(),
            value: Some(value),
        }
    }
}

impl<T: Copy> Unchecked<T> {
    /// What was given, where it is a `T` at all.
    pub fn value(&self) -> Option<T> {
        self.value
    }
}

impl Integer {
    /// The value, where it is in this range.
    pub fn within(&self, name: &'static str, range: RangeInclusive<u64>) -> Result<u64> {
        self.value.filter(|n| range.contains(n)).ok_or_else(|| {
            let expected = format!("an integer in {}..={}", range.start(), range.end());
            Error::out_of_range(name, expected, &self.text)
        })
    }
}

impl<'a, 'py, T: FromPyObject<'a, 'py>> FromPyObject<'a, 'py> for Unchecked<T> {
    type Error = PyErr;

    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Unchecked<T>> {
        Ok(Unchecked {
            value: object.extract().ok(),
            text: object.repr()?.to_string(),
        })
    }
}

pub fn seed(value: Integer) -> Result<u64> {
    value.within("seed", 0..=u64::MAX)
}

/// The addresses of `n_games` games.
pub fn games(n_games: Integer, first_game: Integer) -> Result<Range<u64>> {
    let first_game = first_game.within("first_game", 0..=i64::MAX as u64)?;
    let n_games = n_games.within("n_games", 0..=i32::MAX as u64)?;
    Ok(first_game..first_game + n_games)
}

/// What every generator is asked for, these games of a seed.
pub fn random_games(
    seed: Integer,
    games: Range<u64>,
    max_ply: Integer,
    mate_boost: Number,
    vocabulary: &str,
) -> Result<RandomGames> {
    Ok(RandomGames {
        seed: self::seed(seed)?,
        games,
        rules: Rules {
            max_ply: self::max_ply(max_ply)?,
            mate_boost: probability("mate_boost", mate_boost)?,
            vocabulary: Vocabulary::named(vocabulary)?,
        },
    })
}

pub fn side(name: &str) -> Result<Color> {
    match name {
        "white" => Ok(Color::White),
        "black" => Ok(Color::Black),
        _ => {
            let got = format!("{name:?}");
            Err(Error::out_of_range("side", "one of: white, black", got))
        }
    }
}

/// How UCI writes castling: as the king's two-step, or as king takes rook, which Chess960 needs.
pub fn castling(name: &str) -> Result<CastlingMode> {
    match name {
        "two_step" => Ok(CastlingMode::Standard),
        "king_takes_rook" => Ok(CastlingMode::Chess960),
        _ => {
            let expected = "one of: two_step, king_takes_rook";
            Err(Error::out_of_range(
                "castling",
                expected,
                format!("{name:?}"),
            ))
        }
    }
}

pub fn max_ply(value: Integer) -> Result<usize> {
    Ok(value.within("max_ply", PLIES)? as usize)
}

pub fn probability(name: &'static str, p: Number) -> Result<Probability> {
    let refused = || Error::out_of_range(name, "a number in 0..=1", &p.text);
    p.value.and_then(Probability::new).ok_or_else(refused)
}

pub fn threads(value: Option<Integer>) -> Result<Option<usize>> {
    let count = |n: Integer| n.within("threads", 1..=MAX_THREADS as u64);
    Ok(value.map(count).transpose()?.map(|n| n as usize))
}

//! Checked scalar arguments.

use std::ops::RangeInclusive;

use pyo3::prelude::*;

use crate::error::{Error, Result};
use crate::rng::Probability;
use crate::threads::MAX_THREADS;

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

pub fn max_ply(value: Integer) -> Result<usize> {
    Ok(value.within("max_ply", PLIES)? as usize)
}

pub fn mate_boost(p: Number) -> Result<Probability> {
    let refused = || Error::out_of_range("mate_boost", "a number in 0..=1", &p.text);
    p.value.and_then(Probability::new).ok_or_else(refused)
}

pub fn threads(value: Option<Integer>) -> Result<Option<usize>> {
    let count = |n: Integer| n.within("threads", 1..=MAX_THREADS as u64);
    Ok(value.map(count).transpose()?.map(|n| n as usize))
}

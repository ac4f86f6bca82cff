//! Checked sequences of texts and numbers.

use std::ops::RangeInclusive;

use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::error::{Error, Result};
use crate::planes::transform::KINDS;
use crate::py::arguments::Integer;
use crate::py::arrays::describe;

/// The texts of an argument. A lone surrogate, which is no character, becomes U+FFFD.
pub fn texts(name: &'static str, value: &Bound<'_, PyAny>) -> PyResult<Vec<String>> {
    let refused = |got: String| PyErr::from(Error::out_of_range(name, "a sequence of str", got));
    items(value, || refused(describe(value)))?
        .map(|item| {
            let item = item?;
            let Ok(text) = item.cast::<PyString>() else {
                return Err(refused(format!("an item of {}", item.get_type())));
            };
            Ok(text.to_string_lossy().into_owned())
        })
        .collect()
}

/// As many texts as there are `n` of `others`.
pub fn texts_for(
    name: &'static str,
    value: &Bound<'_, PyAny>,
    n: usize,
    others: &str,
) -> PyResult<Vec<String>> {
    let texts = texts(name, value)?;
    Ok(as_many(name, texts, n, others)?)
}

/// A list of texts for each of the `n` of `others`, where the argument is given.
pub fn lists_for(
    name: &'static str,
    value: Option<&Bound<'_, PyAny>>,
    n: usize,
    others: &str,
) -> PyResult<Option<Vec<Vec<String>>>> {
    let Some(value) = value else {
        return Ok(None);
    };
    let refused = || Error::out_of_range(name, "a sequence of sequences of str", describe(value));
    let lists: PyResult<Vec<_>> = items(value, || refused().into())?
        .map(|item| texts(name, &item?))
        .collect();
    Ok(Some(as_many(name, lists?, n, others)?))
}

/// A list of moves with evaluations for each of the `n` positions.
pub fn analyses_for(
    name: &'static str,
    value: &Bound<'_, PyAny>,
    n: usize,
) -> PyResult<Vec<Vec<(String, i64)>>> {
    let refused = |got: String| {
        let expected = "a sequence of lists of (uci, centipawns)";
        PyErr::from(Error::out_of_range(name, expected, got))
    };
    let lists: PyResult<Vec<_>> = items(value, || refused(describe(value)))?
        .enumerate()
        .map(|(index, item)| {
            let item = item?;
            let read = item.extract::<Vec<(String, i64)>>();
            read.map_err(|_| refused(format!("{name}[{index}] = {}", shown(&item))))
        })
        .collect();
    Ok(as_many(name, lists?, n, "fens")?)
}

/// The addresses of a call.
pub fn numbers(value: &Bound<'_, PyAny>) -> PyResult<Vec<u64>> {
    integers("numbers", value)
}

/// As many numbers as there are positions.
pub fn numbers_for(value: &Bound<'_, PyAny>, n: usize) -> PyResult<Vec<u64>> {
    integers_for("numbers", value, n, "fens")
}

/// The integers of an argument, none negative.
pub fn integers(name: &'static str, value: &Bound<'_, PyAny>) -> PyResult<Vec<u64>> {
    within(name, value, 0..=i64::MAX as u64)
}

/// As many integers as there are `n` of `others`.
pub fn integers_for(
    name: &'static str,
    value: &Bound<'_, PyAny>,
    n: usize,
    others: &str,
) -> PyResult<Vec<u64>> {
    Ok(as_many(name, integers(name, value)?, n, others)?)
}

/// A kind of transform for each of the `n` positions.
pub fn kinds_for(value: &Bound<'_, PyAny>, n: usize) -> PyResult<Vec<u8>> {
    let kinds = within("kinds", value, 0..=KINDS as u64 - 1)?;
    let kinds = kinds.into_iter().map(|kind| kind as u8).collect();
    Ok(as_many("kinds", kinds, n, "fens")?)
}

fn within(
    name: &'static str,
    value: &Bound<'_, PyAny>,
    range: RangeInclusive<u64>,
) -> PyResult<Vec<u64>> {
    let refused = || {
        let expected = format!(
            "a sequence of integers in {}..={}",
            range.start(),
            range.end()
        );
        PyErr::from(Error::out_of_range(name, expected, shown(value)))
    };
    let number = |item: Integer| item.within(name, range.clone());
    items(value, refused)?
        .map(|item| Ok(number(item?.extract()?)?))
        .collect()
}

fn items<'py>(
    value: &Bound<'py, PyAny>,
    refused: impl Fn() -> PyErr,
) -> PyResult<impl Iterator<Item = PyResult<Bound<'py, PyAny>>>> {
    if value.is_instance_of::<PyString>() {
        return Err(refused());
    }
    value.try_iter().map_err(|_| refused())
}

fn as_many<T>(name: &'static str, items: Vec<T>, n: usize, others: &str) -> Result<Vec<T>> {
    match items.len() == n {
        true => Ok(items),
        false => {
            let expected = format!("as long as {others}, {n}");
            Err(Error::out_of_range(name, expected, items.len()))
        }
    }
}

fn shown(value: &Bound<'_, PyAny>) -> String {
    value
        .repr()
        .map_or_else(|_| describe(value), |text| text.to_string())
}

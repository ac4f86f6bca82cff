//! Checked numpy arguments.

use numpy::ndarray::Dimension;
use numpy::{
    Element, Ix1, Ix2, PyArray, PyArrayMethods, PyReadonlyArray, PyReadonlyArray1,
    PyReadonlyArray2, PyUntypedArray, PyUntypedArrayMethods,
};
use pyo3::prelude::*;

use crate::error::{Error, Result};
use crate::replay::{self, Recorded};
use crate::vocabulary::Vocabulary;

/// A C-contiguous array of this dtype and number of dimensions; `shape` describes it in errors.
pub fn contiguous<'py, T: Element, D: Dimension>(
    name: &'static str,
    value: &Bound<'py, PyAny>,
    expected: &'static str,
) -> PyResult<PyReadonlyArray<'py, T, D>> {
    let refused = |got: String| PyErr::from(Error::out_of_range(name, expected, got));
    let Ok(array) = value.cast::<PyArray<T, D>>() else {
        return Err(refused(describe(value)));
    };
    if !array.is_c_contiguous() {
        return Err(refused(format!(
            "a non-contiguous {}; use numpy.ascontiguousarray",
            describe(value)
        )));
    }
    array.try_readonly().map_err(|e| refused(e.to_string()))
}

pub fn describe(value: &Bound<'_, PyAny>) -> String {
    match value.cast::<PyUntypedArray>() {
        Ok(array) => format!("{} array of shape {:?}", array.dtype(), array.shape()),
        Err(_) => value.get_type().to_string(),
    }
}

pub type Tokens<'py> = PyReadonlyArray2<'py, i16>;

pub fn tokens<'py>(value: &Bound<'py, PyAny>) -> PyResult<Tokens<'py>> {
    contiguous::<_, Ix2>("tokens", value, "an int16 array of shape (n_games, plies)")
}

/// The games of a token array: each row without its padding, cut at the given lengths, else after
/// the last token.
pub fn recorded<'a>(
    tokens: &'a Tokens<'_>,
    lengths: Option<&Bound<'_, PyAny>>,
    vocabulary: &Vocabulary,
) -> PyResult<Recorded<'a>> {
    let (n_games, width) = (tokens.shape()[0], tokens.shape()[1]);
    let rows: Vec<&[i16]> = match width {
        0 => vec![&[]; n_games],
        _ => tokens.as_slice()?.chunks_exact(width).collect(),
    };
    let rows = match lengths {
        Some(lengths) => cut(rows, lengths)?,
        None => {
            let length = |row| replay::length_without_padding(row, vocabulary.pad);
            rows.into_iter().map(|row| &row[..length(row)]).collect()
        }
    };
    Ok(Recorded { rows, width })
}

fn cut<'a>(rows: Vec<&'a [i16]>, lengths: &Bound<'_, PyAny>) -> PyResult<Vec<&'a [i16]>> {
    let lengths: PyReadonlyArray1<'_, i32> =
        contiguous::<_, Ix1>("lengths", lengths, "an int32 array of shape (n_games,)")?;
    let lengths = lengths.as_slice()?;
    if lengths.len() != rows.len() {
        let expected = format!("of shape ({},), one length a game", rows.len());
        let got = format!("shape ({},)", lengths.len());
        return Err(Error::out_of_range("lengths", expected, got).into());
    }
    let games = rows.into_iter().zip(lengths).enumerate();
    Ok(games
        .map(|(i, (row, &length))| prefix(row, i, length))
        .collect::<Result<_>>()?)
}

fn prefix(row: &[i16], game: usize, length: i32) -> Result<&[i16]> {
    let prefix = usize::try_from(length)
        .ok()
        .and_then(|length| row.get(..length));
    prefix.ok_or_else(|| {
        let expected = format!("in 0..={} everywhere", row.len());
        Error::out_of_range("lengths", expected, format!("lengths[{game}] = {length}"))
    })
}

pub type Flat<'py, T> = PyReadonlyArray1<'py, T>;

pub fn flat_tokens<'py>(value: &Bound<'py, PyAny>) -> PyResult<Flat<'py, i16>> {
    contiguous::<_, Ix1>("tokens", value, "an int16 array of shape (plies,)")
}

pub fn offsets<'py>(value: &Bound<'py, PyAny>) -> PyResult<Flat<'py, i64>> {
    contiguous::<_, Ix1>("offsets", value, "an int64 array of shape (n_games + 1,)")
}

/// The games of a flat token array, cut at the offsets.
pub fn flat_games<'a>(
    tokens: &'a Flat<'_, i16>,
    offsets: &Flat<'_, i64>,
) -> PyResult<Vec<&'a [i16]>> {
    let (tokens, offsets) = (tokens.as_slice()?, offsets.as_slice()?);
    let game = |i: usize| -> Result<&'a [i16]> {
        let range = usize::try_from(offsets[i])
            .ok()
            .zip(usize::try_from(offsets[i + 1]).ok());
        let game = range.and_then(|(start, end)| tokens.get(start..end));
        game.ok_or_else(|| {
            let expected = format!(
                "in 0..={} everywhere and never less than before",
                tokens.len()
            );
            let got = format!(
                "offsets[{i}] = {}, offsets[{}] = {}",
                offsets[i],
                i + 1,
                offsets[i + 1]
            );
            Error::out_of_range("offsets", expected, got)
        })
    };
    let n_games = offsets
        .len()
        .checked_sub(1)
        .ok_or_else(|| Error::out_of_range("offsets", "of shape (n_games + 1,)", "shape (0,)"))?;
    Ok((0..n_games).map(game).collect::<Result<_>>()?)
}

//! `Validation` and `validate_games`.

use numpy::{
    IntoPyArray, Ix1, Ix2, PyArray1, PyReadonlyArray1, PyReadonlyArray2, PyUntypedArrayMethods,
};
use pyo3::prelude::*;

use crate::error::{Error, Result};
use crate::py::arguments::{self, Integer};
use crate::py::arrays;
use crate::replay::{self, Replay};
use crate::vocabulary::Vocabulary;

#[pyclass(frozen, get_all, module = "chess_engine")]
pub struct Validation {
    first_illegal: Py<PyArray1<i32>>,
    lengths: Py<PyArray1<i32>>,
    terminations: Py<PyArray1<u8>>,
    outcomes: Py<PyArray1<i16>>,
}

#[pyfunction]
#[pyo3(signature = (tokens, lengths = None, *, vocabulary = "searchless", threads = None))]
pub fn validate_games(
    py: Python<'_>,
    tokens: &Bound<'_, PyAny>,
    lengths: Option<&Bound<'_, PyAny>>,
    vocabulary: &str,
    threads: Option<Integer>,
) -> PyResult<Validation> {
    let vocabulary = Vocabulary::named(vocabulary)?;
    let tokens: PyReadonlyArray2<'_, i16> =
        arrays::contiguous::<_, Ix2>("tokens", tokens, "an int16 array of shape (n_games, plies)")?;
    let width = tokens.shape()[1];
    let rows: Vec<&[i16]> = match width {
        0 => vec![&[]; tokens.shape()[0]],
        _ => tokens.as_slice()?.chunks_exact(width).collect(),
    };
    let games = cut(rows, lengths, vocabulary)?;
    let workers = arguments::workers(threads)?;
    let replays = py.detach(|| workers.map(games, |game| replay::replay(game, width, vocabulary)));
    Ok(Validation::new(py, &replays))
}

/// Each row without its padding: cut at the given lengths, else after the last token.
fn cut<'a>(
    rows: Vec<&'a [i16]>,
    lengths: Option<&Bound<'_, PyAny>>,
    vocabulary: &Vocabulary,
) -> PyResult<Vec<&'a [i16]>> {
    let Some(lengths) = lengths else {
        let length = |row| replay::length_without_padding(row, vocabulary.pad);
        return Ok(rows.into_iter().map(|row| &row[..length(row)]).collect());
    };
    let lengths: PyReadonlyArray1<'_, i32> =
        arrays::contiguous::<_, Ix1>("lengths", lengths, "an int32 array of shape (n_games,)")?;
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

impl Validation {
    fn new(py: Python<'_>, replays: &[Replay]) -> Validation {
        let column = |field: fn(&Replay) -> i32| {
            let column: Vec<i32> = replays.iter().map(field).collect();
            column.into_pyarray(py).unbind()
        };
        let terminations: Vec<u8> = replays.iter().map(|r| r.termination as u8).collect();
        let outcomes: Vec<i16> = replays.iter().map(|r| r.outcome.unwrap_or(-1)).collect();
        Validation {
            first_illegal: column(|r| r.first_illegal.map_or(-1, |ply| ply as i32)),
            lengths: column(|r| r.length as i32),
            terminations: terminations.into_pyarray(py).unbind(),
            outcomes: outcomes.into_pyarray(py).unbind(),
        }
    }
}

//! `Validation` and `validate_games`.

use numpy::{IntoPyArray, PyArray1};
use pyo3::prelude::*;

use crate::py::arguments::Integer;
use crate::py::{arrays, calls};
use crate::replay::{self, Replay};
use crate::vocabulary::Vocabulary;

#[doc = doc!("Validation")]
#[pyclass(frozen, get_all, module = "chess_engine")]
pub struct Validation {
    first_illegal: Py<PyArray1<i32>>,
    lengths: Py<PyArray1<i32>>,
    terminations: Py<PyArray1<u8>>,
    outcomes: Py<PyArray1<i16>>,
}

#[doc = doc!("validate_games")]
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
    let tokens = arrays::tokens(tokens)?;
    let games = arrays::recorded(&tokens, lengths, vocabulary)?;
    let width = games.width;
    let replay = |game: &[i16]| replay::replay(game, width, vocabulary);
    let replays = calls::run(py, threads, |workers| workers.map(games.rows, replay))?;
    Ok(Validation::new(py, &replays))
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

//! `tokens_to_san` and `tokens_to_pgn`.

use pyo3::prelude::*;

use crate::notation;
use crate::py::arguments::Integer;
use crate::py::{arrays, calls};
use crate::vocabulary::Vocabulary;

#[doc = doc!("tokens_to_san")]
#[pyfunction]
#[pyo3(signature = (tokens, lengths = None, *, vocabulary = "searchless", threads = None))]
pub fn tokens_to_san(
    py: Python<'_>,
    tokens: &Bound<'_, PyAny>,
    lengths: Option<&Bound<'_, PyAny>>,
    vocabulary: &str,
    threads: Option<Integer>,
) -> PyResult<Vec<Vec<String>>> {
    let vocabulary = Vocabulary::named(vocabulary)?;
    let tokens = arrays::tokens(tokens)?;
    let games = arrays::recorded(&tokens, lengths, vocabulary)?;
    calls::run(py, threads, |workers| {
        notation::san(&games, vocabulary, workers)
    })
}

#[doc = doc!("tokens_to_pgn")]
#[pyfunction]
#[pyo3(signature = (tokens, lengths = None, *, vocabulary = "searchless", threads = None))]
pub fn tokens_to_pgn(
    py: Python<'_>,
    tokens: &Bound<'_, PyAny>,
    lengths: Option<&Bound<'_, PyAny>>,
    vocabulary: &str,
    threads: Option<Integer>,
) -> PyResult<String> {
    let vocabulary = Vocabulary::named(vocabulary)?;
    let tokens = arrays::tokens(tokens)?;
    let games = arrays::recorded(&tokens, lengths, vocabulary)?;
    calls::run(py, threads, |workers| {
        notation::pgn(&games, vocabulary, workers)
    })
}

//! `tokens_to_san` and `tokens_to_pgn`.

use pyo3::prelude::*;

use crate::notation;
use crate::py::arguments::{self, Integer};
use crate::py::arrays;
use crate::vocabulary::Vocabulary;

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
    let workers = arguments::workers(threads)?;
    Ok(py.detach(|| notation::san(&games, vocabulary, &workers))?)
}

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
    let workers = arguments::workers(threads)?;
    Ok(py.detach(|| notation::pgn(&games, vocabulary, &workers))?)
}

//! `tokens_to_san`, `tokens_to_uci` and `tokens_to_pgn`.

use pyo3::prelude::*;

use crate::notation;
use crate::py::arguments::{self, Integer};
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

#[doc = doc!("tokens_to_uci")]
#[pyfunction]
#[pyo3(signature = (
    tokens, lengths = None, *, castling = "two_step", vocabulary = "searchless", threads = None
))]
pub fn tokens_to_uci(
    py: Python<'_>,
    tokens: &Bound<'_, PyAny>,
    lengths: Option<&Bound<'_, PyAny>>,
    castling: &str,
    vocabulary: &str,
    threads: Option<Integer>,
) -> PyResult<Vec<Vec<String>>> {
    let castling = arguments::castling(castling)?;
    let vocabulary = Vocabulary::named(vocabulary)?;
    let tokens = arrays::tokens(tokens)?;
    let games = arrays::recorded(&tokens, lengths, vocabulary)?;
    calls::run(py, threads, |workers| {
        notation::uci(&games, castling, vocabulary, workers)
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

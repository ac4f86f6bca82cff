//! `LegalTokens`, `compute_legal_moves` and the legal token masks.

use numpy::ndarray::Array3;
use numpy::{IntoPyArray, PyArray1, PyArray3};
use pyo3::prelude::*;

use crate::csr::TokenRows;
use crate::masks::{self, Layout};
use crate::py::arguments::Integer;
use crate::py::{arrays, calls};
use crate::vocabulary::Vocabulary;

#[doc = doc!("LegalTokens")]
#[pyclass(frozen, get_all, module = "chess_engine")]
pub struct LegalTokens {
    values: Py<PyArray1<i16>>,
    offsets: Py<PyArray1<i64>>,
}

impl LegalTokens {
    pub fn new(py: Python<'_>, rows: TokenRows) -> LegalTokens {
        LegalTokens {
            values: rows.values.into_pyarray(py).unbind(),
            offsets: rows.offsets.into_pyarray(py).unbind(),
        }
    }
}

#[doc = doc!("compute_legal_moves")]
#[pyfunction]
#[pyo3(signature = (tokens, lengths = None, *, vocabulary = "searchless", threads = None))]
pub fn compute_legal_moves(
    py: Python<'_>,
    tokens: &Bound<'_, PyAny>,
    lengths: Option<&Bound<'_, PyAny>>,
    vocabulary: &str,
    threads: Option<Integer>,
) -> PyResult<LegalTokens> {
    let vocabulary = Vocabulary::named(vocabulary)?;
    let tokens = arrays::tokens(tokens)?;
    let games = arrays::recorded(&tokens, lengths, vocabulary)?;
    let rows = calls::run(py, threads, |workers| {
        masks::legal_moves(&games, vocabulary, workers)
    })?;
    Ok(LegalTokens::new(py, rows))
}

#[doc = doc!("compute_legal_token_masks_sparse")]
#[pyfunction]
#[pyo3(signature = (
    tokens, lengths = None, *, layout = "pure", vocabulary = "searchless", threads = None
))]
pub fn compute_legal_token_masks_sparse(
    py: Python<'_>,
    tokens: &Bound<'_, PyAny>,
    lengths: Option<&Bound<'_, PyAny>>,
    layout: &str,
    vocabulary: &str,
    threads: Option<Integer>,
) -> PyResult<LegalTokens> {
    let vocabulary = Vocabulary::named(vocabulary)?;
    let layout = Layout::named(layout)?;
    let tokens = arrays::tokens(tokens)?;
    let games = arrays::recorded(&tokens, lengths, vocabulary)?;
    let rows = calls::run(py, threads, |workers| {
        masks::masks(&games, layout, vocabulary, workers)
    })?;
    Ok(LegalTokens::new(py, rows))
}

#[doc = doc!("compute_legal_token_masks")]
#[pyfunction]
#[pyo3(signature = (
    tokens, lengths = None, *, layout = "pure", vocabulary = "searchless", threads = None
))]
pub fn compute_legal_token_masks(
    py: Python<'_>,
    tokens: &Bound<'_, PyAny>,
    lengths: Option<&Bound<'_, PyAny>>,
    layout: &str,
    vocabulary: &str,
    threads: Option<Integer>,
) -> PyResult<Py<PyArray3<bool>>> {
    let vocabulary = Vocabulary::named(vocabulary)?;
    let layout = Layout::named(layout)?;
    let tokens = arrays::tokens(tokens)?;
    let games = arrays::recorded(&tokens, lengths, vocabulary)?;
    let shape = [
        games.rows.len(),
        layout.rows(games.width),
        vocabulary.size(),
    ];
    let dense = calls::run(py, threads, |workers| {
        let dense = masks::dense(&games, layout, vocabulary, workers)?;
        Ok(Array3::from_shape_vec(shape, dense).expect("a mask for every token"))
    })?;
    Ok(dense.into_pyarray(py).unbind())
}

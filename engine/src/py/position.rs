//! `legal_moves`, `apply` and `perft`.

use pyo3::prelude::*;

use crate::position;
use crate::py::arguments::Integer;
use crate::py::calls;
use crate::threads::Workers;

#[doc = doc!("legal_moves")]
#[pyfunction]
pub fn legal_moves(fen: &str) -> PyResult<Vec<String>> {
    Ok(position::legal_moves(fen)?)
}

#[doc = doc!("apply")]
#[pyfunction]
pub fn apply(fen: &str, uci: &str) -> PyResult<String> {
    Ok(position::apply(fen, uci)?)
}

#[doc = doc!("perft")]
#[pyfunction]
pub fn perft(py: Python<'_>, fen: &str, depth: Integer) -> PyResult<u64> {
    let depth = depth.within("depth", 0..=position::MAX_PERFT_DEPTH)? as u32;
    calls::run_on(py, Workers::caller(), |workers| {
        position::perft(fen, depth, workers)
    })
}

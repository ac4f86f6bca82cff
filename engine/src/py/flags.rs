//! `EdgeCaseFlags` and `compute_edge_case_flags`.

use numpy::{IntoPyArray, PyArray2, PyArrayMethods};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyMappingProxy, PySlice};

use crate::flags;
use crate::py::arguments::Integer;
use crate::py::{arrays, calls};
use crate::vocabulary::Vocabulary;

#[doc = doc!("EdgeCaseFlags")]
#[pyclass(frozen, get_all, module = "chess_engine")]
pub struct EdgeCaseFlags {
    before: Py<PyAny>,
    after: Py<PyAny>,
}

impl EdgeCaseFlags {
    /// Views of the positions before and after each ply.
    fn new(py: Python<'_>, flags: Vec<u64>, shape: [usize; 2]) -> PyResult<EdgeCaseFlags> {
        let all: Bound<'_, PyArray2<u64>> = flags.into_pyarray(py).reshape(shape)?;
        let view = |start: usize, end: usize| {
            let plies = PySlice::new(py, start as isize, end as isize, 1);
            Ok::<_, PyErr>(all.get_item((PySlice::full(py), plies))?.unbind())
        };
        Ok(EdgeCaseFlags {
            before: view(0, shape[1] - 1)?,
            after: view(1, shape[1])?,
        })
    }
}

#[doc = doc!("compute_edge_case_flags")]
#[pyfunction]
#[pyo3(signature = (tokens, lengths = None, *, vocabulary = "searchless", threads = None))]
pub fn compute_edge_case_flags(
    py: Python<'_>,
    tokens: &Bound<'_, PyAny>,
    lengths: Option<&Bound<'_, PyAny>>,
    vocabulary: &str,
    threads: Option<Integer>,
) -> PyResult<EdgeCaseFlags> {
    let vocabulary = Vocabulary::named(vocabulary)?;
    let tokens = arrays::tokens(tokens)?;
    let games = arrays::recorded(&tokens, lengths, vocabulary)?;
    let flags = calls::run(py, threads, |workers| {
        flags::compute(&games, vocabulary, workers)
    })?;
    EdgeCaseFlags::new(py, flags, [games.rows.len(), games.width + 1])
}

/// Name -> bit, read-only.
pub fn table(py: Python<'_>) -> PyResult<Bound<'_, PyMappingProxy>> {
    let table = PyDict::new(py);
    for (name, bit) in flags::NAMES.iter().zip(0..) {
        table.set_item(name, 1_u64 << bit)?;
    }
    Ok(PyMappingProxy::new(py, table.as_mapping()))
}

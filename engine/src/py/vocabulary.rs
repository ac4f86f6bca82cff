//! `Vocabulary` and `export_move_vocabulary`.

use numpy::{IntoPyArray, PyArray1};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::vocabulary::{self, TokenMove};

#[doc = doc!("Vocabulary")]
#[pyclass(frozen, get_all, module = "chess_engine")]
pub struct Vocabulary {
    name: &'static str,
    size: usize,
    pad: i16,
    moves: Py<PyList>,
    move_ids: Py<PyDict>,
    outcomes: Py<PyDict>,
    source: Py<PyArray1<i8>>,
    destination: Py<PyArray1<i8>>,
    promotion: Py<PyArray1<i8>>,
}

#[doc = doc!("export_move_vocabulary")]
#[pyfunction]
#[pyo3(signature = (name = "searchless"))]
pub fn export_move_vocabulary(py: Python<'_>, name: &str) -> PyResult<Vocabulary> {
    let vocabulary = vocabulary::Vocabulary::named(name)?;
    let column = |field: fn(TokenMove) -> i8| {
        let column = vocabulary.moves().iter().map(|m| m.map_or(-1, field));
        column.collect::<Vec<_>>().into_pyarray(py).unbind()
    };
    let uci = |m: &Option<TokenMove>| m.map_or(String::new(), |m| m.uci().to_string());
    let moves: Vec<String> = vocabulary.moves().iter().map(uci).collect();
    Ok(Vocabulary {
        name: vocabulary.name,
        size: vocabulary.size(),
        pad: vocabulary.pad,
        move_ids: dict(py, numbered(&moves))?,
        outcomes: dict(py, vocabulary.outcomes())?,
        source: column(|m| m.from as i8),
        destination: column(|m| m.to as i8),
        promotion: column(TokenMove::promotion_code),
        moves: PyList::new(py, &moves)?.unbind(),
    })
}

fn numbered(moves: &[String]) -> impl Iterator<Item = (&str, i16)> {
    let all = moves.iter().map(String::as_str).zip(0..);
    all.filter(|(m, _)| !m.is_empty())
}

fn dict<'a>(py: Python<'_>, items: impl Iterator<Item = (&'a str, i16)>) -> PyResult<Py<PyDict>> {
    let dict = PyDict::new(py);
    for (key, token) in items {
        dict.set_item(key, token)?;
    }
    Ok(dict.unbind())
}

//! `policy_indices`, `policy_moves`, `transform_fens` and `may_mirror`.

use numpy::ndarray::Array2;
use numpy::{IntoPyArray, PyArray1, PyArray2};
use pyo3::prelude::*;

use crate::csr::TokenRows;
use crate::planes::{self, policy, transform};
use crate::position::{position_at, to_fen};
use crate::py::task_positions::column;
use crate::py::{calls, texts};
use crate::threads::Workers;

type Rows = (Py<PyArray1<i16>>, Py<PyArray1<i64>>);

#[doc = doc!("policy_indices")]
#[pyfunction]
pub fn policy_indices(
    py: Python<'_>,
    fens: &Bound<'_, PyAny>,
    moves: &Bound<'_, PyAny>,
) -> PyResult<Rows> {
    let fens = texts::texts("fens", fens)?;
    let moves = texts::lists_for("moves", Some(moves), fens.len(), "fens")?.unwrap_or_default();
    let rows = calls::run_on(py, Workers::caller(), |workers| {
        let mut rows = TokenRows::default();
        for (i, (fen, ucis)) in fens.iter().zip(&moves).enumerate() {
            workers.check()?;
            rows.push(&policy::indices_of_legal(
                &planes::place_at(i, fen)?,
                ucis,
                i,
            )?);
        }
        Ok(rows)
    })?;
    let offsets = rows.offsets.into_pyarray(py).unbind();
    Ok((rows.values.into_pyarray(py).unbind(), offsets))
}

#[doc = doc!("policy_moves")]
#[pyfunction]
pub fn policy_moves(
    py: Python<'_>,
    fens: &Bound<'_, PyAny>,
    indices: &Bound<'_, PyAny>,
) -> PyResult<Vec<String>> {
    let fens = texts::texts("fens", fens)?;
    let indices = texts::integers_for("indices", indices, fens.len(), "fens")?;
    calls::run_on(py, Workers::caller(), |workers| {
        let uci = |(i, (fen, &index)): (usize, (&String, &u64))| {
            workers.check()?;
            policy::move_of_legal(&planes::place_at(i, fen)?, index, i)
        };
        fens.iter().zip(&indices).enumerate().map(uci).collect()
    })
}

#[doc = doc!("transform_fens")]
#[pyfunction]
pub fn transform_fens(
    py: Python<'_>,
    fens: &Bound<'_, PyAny>,
    kinds: &Bound<'_, PyAny>,
) -> PyResult<Vec<String>> {
    let fens = texts::texts("fens", fens)?;
    let kinds = texts::kinds_for(kinds, fens.len())?;
    calls::run_on(py, Workers::caller(), |workers| {
        let image = |(i, (fen, &kind)): (usize, (&String, &u8))| {
            workers.check()?;
            Ok(to_fen(&transform::apply(position_at(i, fen)?, kind, i)?))
        };
        fens.iter().zip(&kinds).enumerate().map(image).collect()
    })
}

#[doc = doc!("may_mirror")]
#[pyfunction]
pub fn may_mirror(py: Python<'_>, fens: &Bound<'_, PyAny>) -> PyResult<Py<PyArray1<bool>>> {
    let fens = texts::texts("fens", fens)?;
    let may: Vec<bool> = calls::run_on(py, Workers::caller(), |workers| {
        let may = |(i, fen): (usize, &String)| {
            workers.check()?;
            Ok(transform::may_mirror(&position_at(i, fen)?))
        };
        fens.iter().enumerate().map(may).collect()
    })?;
    Ok(column(py, may.into_iter()))
}

/// `POLICY_TRANSFORMS`, which nobody may write to.
pub fn transforms(py: Python<'_>) -> PyResult<Bound<'_, PyArray2<i16>>> {
    let shape = [transform::KINDS, policy::SIZE];
    let table = Array2::from_shape_vec(shape, transform::POLICY.concat());
    let table = table.expect("an index for each").into_pyarray(py);
    table.call_method1("setflags", (false,))?;
    Ok(table)
}

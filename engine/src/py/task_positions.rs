//! `TaskPositions`, `TaskMoves`, `sample_positions` and `sample_moves`.

use numpy::{IntoPyArray, PyArray1};
use pyo3::prelude::*;

use crate::error::Error;
use crate::position::position_at;
use crate::py::arguments::{self, Integer, Number};
use crate::py::{calls, texts};
use crate::tasks::asked::{self, Asked};
use crate::tasks::positions::{self, TaskPosition, Wanted};
use crate::threads::Workers;

/// Kings and men of both sides.
const MEN: std::ops::RangeInclusive<u64> = 2..=32;
const PLIES: std::ops::RangeInclusive<u64> = 0..=10_000;

#[doc = doc!("TaskPositions")]
#[pyclass(frozen, get_all, module = "chess_engine")]
pub struct TaskPositions {
    fens: Vec<String>,
    histories: Vec<Vec<String>>,
    plies: Py<PyArray1<i32>>,
    strata: Py<PyArray1<u16>>,
    men: Py<PyArray1<i8>>,
}

#[doc = doc!("sample_positions")]
#[pyfunction]
#[pyo3(
    signature = (
        numbers, *, seed, min_ply = Integer::of(0), max_ply = Integer::of(200),
        hard_ratio = Number::of(0.0), men_max = Integer::of(32),
    ),
    text_signature = "(numbers, *, seed, min_ply=0, max_ply=200, hard_ratio=0.0, men_max=32)"
)]
pub fn sample_positions(
    py: Python<'_>,
    numbers: &Bound<'_, PyAny>,
    seed: Integer,
    min_ply: Integer,
    max_ply: Integer,
    hard_ratio: Number,
    men_max: Integer,
) -> PyResult<TaskPositions> {
    let numbers = texts::numbers(numbers)?;
    let wanted = Wanted {
        seed: arguments::seed(seed)?,
        min_ply: min_ply.within("min_ply", PLIES)? as usize,
        max_ply: max_ply.within("max_ply", PLIES)? as usize,
        hard_ratio: arguments::probability("hard_ratio", hard_ratio)?,
        men_max: men_max.within("men_max", MEN)? as usize,
    };
    let positions = calls::run_on(py, Workers::caller(), |workers| {
        positions::sample(&wanted, &numbers, workers)
    })?;
    Ok(TaskPositions::new(py, positions))
}

impl TaskPositions {
    fn new(py: Python<'_>, positions: Vec<TaskPosition>) -> TaskPositions {
        let all = positions.iter();
        TaskPositions {
            plies: column(py, all.clone().map(|p| p.ply as i32)),
            strata: column(py, all.clone().map(|p| p.strata)),
            men: column(py, all.map(|p| p.men as i8)),
            fens: positions.iter().map(|p| p.fen.clone()).collect(),
            histories: positions.into_iter().map(|p| p.history).collect(),
        }
    }
}

#[doc = doc!("TaskMoves")]
#[pyclass(frozen, get_all, module = "chess_engine")]
pub struct TaskMoves {
    ucis: Vec<String>,
    kinds: Py<PyArray1<i8>>,
}

#[doc = doc!("sample_moves")]
#[pyfunction]
#[pyo3(
    signature = (fens, numbers, *, seed, illegal_ratio = Number::of(0.0)),
    text_signature = "(fens, numbers, *, seed, illegal_ratio=0.0)"
)]
pub fn sample_moves(
    py: Python<'_>,
    fens: &Bound<'_, PyAny>,
    numbers: &Bound<'_, PyAny>,
    seed: Integer,
    illegal_ratio: Number,
) -> PyResult<TaskMoves> {
    let fens = texts::texts("fens", fens)?;
    let numbers = texts::numbers_for(numbers, fens.len())?;
    let seed = arguments::seed(seed)?;
    let illegal = arguments::probability("illegal_ratio", illegal_ratio)?;
    let moves: Vec<Asked> = calls::run_on(py, Workers::caller(), |workers| {
        let ask = |(index, (fen, &number)): (usize, (&String, &u64))| {
            workers.check()?;
            let position = position_at(index, fen)?;
            let asked = asked::ask(&position, illegal, seed, number);
            asked.ok_or_else(|| Error::item("fens", index, fen, "has no legal move"))
        };
        fens.iter().zip(&numbers).enumerate().map(ask).collect()
    })?;
    Ok(TaskMoves {
        kinds: column(
            py,
            moves.iter().map(|m| m.kind.map_or(-1, |kind| kind as i8)),
        ),
        ucis: moves.into_iter().map(|m| m.uci).collect(),
    })
}

/// An array of one number for each item.
pub fn column<T: numpy::Element>(
    py: Python<'_>,
    values: impl Iterator<Item = T>,
) -> Py<PyArray1<T>> {
    let values: Vec<T> = values.collect();
    values.into_pyarray(py).unbind()
}

//! `BoardStates`, `extract_board_states` and `count_legal_moves`.

use numpy::{Element, IntoPyArray, PyArray2, PyArrayMethods};
use pyo3::prelude::*;
use pyo3::types::PySlice;

use crate::py::arguments::Integer;
use crate::py::{arrays, calls};
use crate::states::{self, MATERIAL, SQUARES, States};
use crate::vocabulary::Vocabulary;

#[doc = doc!("BoardStates")]
#[pyclass(frozen, get_all, module = "chess_engine")]
pub struct BoardStates {
    before: Py<PositionColumns>,
    after: Py<PositionColumns>,
}

#[doc = doc!("PositionColumns")]
#[pyclass(frozen, get_all, module = "chess_engine")]
pub struct PositionColumns {
    pieces: Py<PyAny>,
    side_to_move: Py<PyAny>,
    castling: Py<PyAny>,
    en_passant: Py<PyAny>,
    in_check: Py<PyAny>,
    halfmove_clock: Py<PyAny>,
    material: Py<PyAny>,
    phase: Py<PyAny>,
}

impl PositionColumns {
    fn new(py: Python<'_>, states: States, [n, t]: [usize; 2]) -> PyResult<PositionColumns> {
        Ok(PositionColumns {
            pieces: column(py, states.pieces, [n, t, SQUARES])?,
            side_to_move: column(py, states.side_to_move, [n, t])?,
            castling: column(py, states.castling, [n, t])?,
            en_passant: column(py, states.en_passant, [n, t])?,
            in_check: column(py, states.in_check, [n, t])?,
            halfmove_clock: column(py, states.halfmove_clock, [n, t])?,
            material: column(py, states.material, [n, t, 2, MATERIAL / 2])?,
            phase: column(py, states.phase, [n, t])?,
        })
    }

    /// Views of the positions `start..end` of every game.
    fn plies(&self, py: Python<'_>, start: usize, end: usize) -> PyResult<PositionColumns> {
        let positions = PySlice::new(py, start as isize, end as isize, 1);
        let view = |column: &Py<PyAny>| {
            let index = (PySlice::full(py), &positions);
            Ok::<_, PyErr>(column.bind(py).get_item(index)?.unbind())
        };
        Ok(PositionColumns {
            pieces: view(&self.pieces)?,
            side_to_move: view(&self.side_to_move)?,
            castling: view(&self.castling)?,
            en_passant: view(&self.en_passant)?,
            in_check: view(&self.in_check)?,
            halfmove_clock: view(&self.halfmove_clock)?,
            material: view(&self.material)?,
            phase: view(&self.phase)?,
        })
    }
}

fn column<T: Element, const N: usize>(
    py: Python<'_>,
    values: Vec<T>,
    shape: [usize; N],
) -> PyResult<Py<PyAny>> {
    Ok(values
        .into_pyarray(py)
        .reshape(shape.as_slice())?
        .into_any()
        .unbind())
}

#[doc = doc!("extract_board_states")]
#[pyfunction]
#[pyo3(signature = (tokens, lengths = None, *, vocabulary = "searchless", threads = None))]
pub fn extract_board_states(
    py: Python<'_>,
    tokens: &Bound<'_, PyAny>,
    lengths: Option<&Bound<'_, PyAny>>,
    vocabulary: &str,
    threads: Option<Integer>,
) -> PyResult<BoardStates> {
    let vocabulary = Vocabulary::named(vocabulary)?;
    let tokens = arrays::tokens(tokens)?;
    let games = arrays::recorded(&tokens, lengths, vocabulary)?;
    let states = calls::run(py, threads, |workers| {
        states::extract(&games, vocabulary, workers)
    })?;
    let all = PositionColumns::new(py, states, [games.rows.len(), games.width + 1])?;
    Ok(BoardStates {
        before: Py::new(py, all.plies(py, 0, games.width)?)?,
        after: Py::new(py, all.plies(py, 1, games.width + 1)?)?,
    })
}

#[doc = doc!("count_legal_moves")]
#[pyfunction]
#[pyo3(signature = (tokens, lengths = None, *, vocabulary = "searchless", threads = None))]
pub fn count_legal_moves(
    py: Python<'_>,
    tokens: &Bound<'_, PyAny>,
    lengths: Option<&Bound<'_, PyAny>>,
    vocabulary: &str,
    threads: Option<Integer>,
) -> PyResult<Py<PyArray2<i16>>> {
    let vocabulary = Vocabulary::named(vocabulary)?;
    let tokens = arrays::tokens(tokens)?;
    let games = arrays::recorded(&tokens, lengths, vocabulary)?;
    let counts = calls::run(py, threads, |workers| {
        states::count_legal_moves(&games, vocabulary, workers)
    })?;
    let shape = [games.rows.len(), games.width];
    Ok(counts.into_pyarray(py).reshape(shape)?.unbind())
}

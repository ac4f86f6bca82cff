//! `DiagnosticSets` and `generate_diagnostic_sets`.

use std::collections::HashMap;

use numpy::{IntoPyArray, PyArray1, PyArray2, PyArrayMethods};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::csr::TokenRows;
use crate::diagnostics::{self, Entry, Search};
use crate::error::{Error, Result};
use crate::flags::NAMES;
use crate::py::arguments::{self, Integer, Number};
use crate::py::calls;
use crate::vocabulary::Vocabulary;

const MOST: u64 = 1_000_000;

#[doc = doc!("DiagnosticSets")]
#[pyclass(frozen, get_all, module = "chess_engine")]
pub struct DiagnosticSets {
    flags: Py<PyArray1<u64>>,
    side_to_move: Py<PyArray1<i8>>,
    games: Py<PyArray1<u64>>,
    tokens: Py<PyArray2<i16>>,
    lengths: Py<PyArray1<i32>>,
    outcomes: Py<PyArray1<i16>>,
    legal_values: Py<PyArray1<i16>>,
    legal_offsets: Py<PyArray1<i64>>,
    n_games: u64,
    unfilled: Py<PyDict>,
}

#[doc = doc!("generate_diagnostic_sets")]
#[pyfunction]
#[pyo3(
    signature = (
        quota, *, seed, first_game = Integer::of(0), max_games = Integer::of(100_000),
        max_ply = Integer::of(512), mate_boost = Number::of(0.0), vocabulary = "searchless",
        threads = None,
    ),
    text_signature = "(quota, *, seed, first_game=0, max_games=100000, max_ply=512, \
        mate_boost=0.0, vocabulary='searchless', threads=None)"
)]
#[expect(
    clippy::too_many_arguments,
    reason = "the keyword arguments of one Python function"
)]
pub fn generate_diagnostic_sets(
    py: Python<'_>,
    quota: &Bound<'_, PyAny>,
    seed: Integer,
    first_game: Integer,
    max_games: Integer,
    max_ply: Integer,
    mate_boost: Number,
    vocabulary: &str,
    threads: Option<Integer>,
) -> PyResult<DiagnosticSets> {
    let first_game = first_game.within("first_game", 0..=i64::MAX as u64)?;
    let max_games = max_games.within("max_games", 1..=i32::MAX as u64)?;
    let games = first_game..first_game + max_games;
    let search = Search {
        random: arguments::random_games(seed, games, max_ply, mate_boost, vocabulary)?,
        quota: self::quota(quota)?,
    };
    let (found, tokens, next) = calls::run(py, threads, |workers| {
        let sets = diagnostics::search(&search, workers)?;
        let tokens = sets.padded(search.random.rules.vocabulary.pad)?;
        let next = sets.next();
        Ok((sets, tokens, next))
    })?;
    DiagnosticSets::new(py, &found, tokens, next, search.random.rules.vocabulary)
}

/// One number for all flags, or numbers by name and 0 for the others.
fn quota(value: &Bound<'_, PyAny>) -> PyResult<[usize; NAMES.len()]> {
    let count = |n: Integer| n.within("quota", 0..=MOST).map(|n| n as usize);
    if !value.is_instance_of::<PyDict>() {
        return Ok([count(value.extract()?)?; NAMES.len()]);
    }
    let mut quota = [0; NAMES.len()];
    for (name, n) in value.extract::<HashMap<String, Integer>>()? {
        quota[flag(&name)?] = count(n)?;
    }
    Ok(quota)
}

fn flag(name: &str) -> Result<usize> {
    let index = NAMES.iter().position(|known| *known == name);
    index.ok_or_else(|| {
        let expected = format!("by names among {}", NAMES.join(", "));
        Error::out_of_range("quota", expected, format!("{name:?}"))
    })
}

impl DiagnosticSets {
    fn new(
        py: Python<'_>,
        sets: &diagnostics::DiagnosticSets,
        (tokens, width): (Vec<i16>, usize),
        next: TokenRows,
        vocabulary: &Vocabulary,
    ) -> PyResult<DiagnosticSets> {
        let entries = &sets.entries;
        let unfilled = PyDict::new(py);
        for (cell, n) in &sets.unfilled {
            let side = cell.color().fold_wb("white", "black");
            unfilled.set_item((NAMES[cell.flag], side), n)?;
        }
        let tokens = tokens.into_pyarray(py).reshape([entries.len(), width])?;
        Ok(DiagnosticSets {
            flags: column(py, entries, |entry| 1 << entry.cell.flag),
            side_to_move: column(py, entries, |entry| entry.cell.side as i8),
            games: column(py, entries, |entry| entry.game),
            tokens: tokens.unbind(),
            lengths: column(py, entries, |entry| entry.moves.len() as i32),
            outcomes: column(py, entries, |entry| {
                let token = vocabulary.outcome_token(entry.outcome);
                token.expect("every vocabulary has the outcomes of random games")
            }),
            legal_values: next.values.into_pyarray(py).unbind(),
            legal_offsets: next.offsets.into_pyarray(py).unbind(),
            n_games: sets.n_games,
            unfilled: unfilled.unbind(),
        })
    }
}

fn column<T: numpy::Element>(
    py: Python<'_>,
    entries: &[Entry],
    field: impl Fn(&Entry) -> T,
) -> Py<PyArray1<T>> {
    let column: Vec<T> = entries.iter().map(field).collect();
    column.into_pyarray(py).unbind()
}

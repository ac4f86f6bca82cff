//! `PgnGames`, `PgnReader`, `parse_pgn_file` and `pgn_to_tokens`.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use numpy::{IntoPyArray, PyArray1, PyArray2, PyArrayMethods};
use pyo3::exceptions::PyStopIteration;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::pgn::{Columns, Dropped, Format, GameReader, Notation, Report};
use crate::py::arguments::{self, Integer};
use crate::py::calls;
use crate::threads::Workers;
use crate::vocabulary::Vocabulary;

/// As many games as there are.
pub const ALL: u64 = i32::MAX as u64;

#[pyclass(frozen, get_all, module = "chess_engine")]
pub struct PgnGames {
    tokens: Py<PyArray2<i16>>,
    lengths: Py<PyArray1<i32>>,
    terminations: Py<PyArray1<u8>>,
    outcomes: Py<PyArray1<i16>>,
    scores: Py<PyArray1<i8>>,
    clocks: Option<Py<PyArray2<f32>>>,
    evaluations: Option<Py<PyArray2<f32>>>,
    white_elo: Py<PyArray1<i16>>,
    black_elo: Py<PyArray1<i16>>,
    numbers: Py<PyArray1<i64>>,
    eco: Py<PyList>,
    time_controls: Py<PyList>,
    sites: Py<PyList>,
    report: Py<PyDict>,
}

impl PgnGames {
    fn new(py: Python<'_>, columns: Columns) -> PyResult<PgnGames> {
        let shape = [columns.len(), columns.format.max_ply];
        let annotations = |values: Vec<f32>| {
            let rows = || values.into_pyarray(py).reshape(shape).map(Bound::unbind);
            columns.format.annotations.then(rows).transpose()
        };
        let texts = |ranges: &[Range<usize>]| strings(py, &columns.texts, ranges);
        Ok(PgnGames {
            eco: texts(&columns.eco)?,
            time_controls: texts(&columns.time_controls)?,
            sites: texts(&columns.sites)?,
            tokens: columns.tokens.into_pyarray(py).reshape(shape)?.unbind(),
            lengths: columns.lengths.into_pyarray(py).unbind(),
            terminations: columns.terminations.into_pyarray(py).unbind(),
            outcomes: columns.outcomes.into_pyarray(py).unbind(),
            scores: columns.scores.into_pyarray(py).unbind(),
            clocks: annotations(columns.clocks)?,
            evaluations: annotations(columns.evaluations)?,
            white_elo: columns.white_elo.into_pyarray(py).unbind(),
            black_elo: columns.black_elo.into_pyarray(py).unbind(),
            numbers: columns.numbers.into_pyarray(py).unbind(),
            report: report(py, columns.report)?,
        })
    }
}

fn strings(py: Python<'_>, texts: &str, ranges: &[Range<usize>]) -> PyResult<Py<PyList>> {
    let strings = ranges.iter().map(|range| &texts[range.clone()]);
    Ok(PyList::new(py, strings)?.unbind())
}

/// A reader and how many games to take at a time.
pub struct Batches {
    reader: Mutex<GameReader>,
    size: usize,
}

impl Batches {
    pub fn new(reader: GameReader, size: u64) -> Batches {
        Batches {
            reader: Mutex::new(reader),
            size: size as usize,
        }
    }

    fn lock(&self) -> MutexGuard<'_, GameReader> {
        self.reader.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next batch.
    pub fn take(&self, py: Python<'_>) -> PyResult<Columns> {
        calls::run_on(py, Workers::caller(), |workers| {
            loop {
                // Signal handlers run in here, and may use this reader: it is not locked.
                workers.check()?;
                if let Some(columns) = self.lock().step(self.size)? {
                    return Ok(columns);
                }
            }
        })
    }

    /// The next batch of an iterator, which has games.
    pub fn next(&self, py: Python<'_>) -> PyResult<Columns> {
        match self.take(py)? {
            columns if columns.is_empty() => Err(PyStopIteration::new_err(())),
            columns => Ok(columns),
        }
    }

    pub fn report(&self, py: Python<'_>) -> PyResult<Py<PyDict>> {
        report(py, py.detach(|| self.lock().report()))
    }
}

#[pyclass(frozen, module = "chess_engine")]
pub struct PgnReader(Batches);

#[pymethods]
impl PgnReader {
    #[new]
    #[pyo3(
        signature = (
            path, *, batch_size = Integer::of(4096), max_ply = Integer::of(512),
            vocabulary = "searchless", annotations = true, threads = None
        ),
        text_signature = "(path, *, batch_size=4096, max_ply=512, vocabulary='searchless', \
            annotations=True, threads=None)"
    )]
    fn new(
        path: PathBuf,
        batch_size: Integer,
        max_ply: Integer,
        vocabulary: &str,
        annotations: bool,
        threads: Option<Integer>,
    ) -> PyResult<PgnReader> {
        let batch_size = batch_size.within("batch_size", 1..=ALL)?;
        let format = format(vocabulary, max_ply, annotations)?;
        let workers = Workers::new(arguments::threads(threads)?)?;
        let reader = GameReader::open(&path, format, workers)?;
        Ok(PgnReader(Batches::new(reader, batch_size)))
    }

    fn __iter__(this: Py<Self>) -> Py<Self> {
        this
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<PgnGames> {
        PgnGames::new(py, self.0.next(py)?)
    }

    #[getter]
    fn report(&self, py: Python<'_>) -> PyResult<Py<PyDict>> {
        self.0.report(py)
    }
}

pub fn report(py: Python<'_>, report: Report) -> PyResult<Py<PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("read", report.n_read)?;
    dict.set_item("kept", report.n_kept())?;
    for (name, count) in Dropped::NAMES.iter().zip(report.n_dropped) {
        dict.set_item(name, count)?;
    }
    Ok(dict.unbind())
}

#[pyfunction]
#[pyo3(
    signature = (
        path, *, max_games = None, max_ply = Integer::of(512), vocabulary = "searchless",
        annotations = true, threads = None
    ),
    text_signature = "(path, *, max_games=None, max_ply=512, vocabulary='searchless', \
        annotations=True, threads=None)"
)]
pub fn parse_pgn_file(
    py: Python<'_>,
    path: PathBuf,
    max_games: Option<Integer>,
    max_ply: Integer,
    vocabulary: &str,
    annotations: bool,
    threads: Option<Integer>,
) -> PyResult<PgnGames> {
    let max_games = max_games.unwrap_or(Integer::of(ALL));
    max_games.within("max_games", 1..=ALL)?;
    let reader = PgnReader::new(path, max_games, max_ply, vocabulary, annotations, threads)?;
    PgnGames::new(py, reader.0.take(py)?)
}

#[pyfunction]
#[pyo3(
    signature = (
        pgn, *, max_ply = Integer::of(512), vocabulary = "searchless", annotations = true,
        threads = None
    ),
    text_signature = "(pgn, *, max_ply=512, vocabulary='searchless', annotations=True, \
        threads=None)"
)]
pub fn pgn_to_tokens(
    py: Python<'_>,
    pgn: &str,
    max_ply: Integer,
    vocabulary: &str,
    annotations: bool,
    threads: Option<Integer>,
) -> PyResult<PgnGames> {
    let format = format(vocabulary, max_ply, annotations)?;
    let workers = Workers::new(arguments::threads(threads)?)?;
    let reader = GameReader::from_bytes(pgn.as_bytes().to_vec(), format, workers);
    PgnGames::new(py, Batches::new(reader, ALL).take(py)?)
}

fn format(vocabulary: &str, max_ply: Integer, annotations: bool) -> PyResult<Format> {
    Ok(Format {
        notation: Notation::Pgn,
        vocabulary: Vocabulary::named(vocabulary)?,
        max_ply: arguments::max_ply(max_ply)?,
        annotations,
    })
}

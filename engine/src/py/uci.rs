//! `UciGames`, `UciReader` and `parse_uci_file`.

use std::path::PathBuf;

use numpy::{IntoPyArray, PyArray1, PyArray2, PyArrayMethods};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::pgn::{Columns, Format, Notation, Place, Reader};
use crate::py::arguments::{self, Integer};
use crate::py::pgn::{ALL, Batches, report};
use crate::threads::Workers;
use crate::vocabulary::Vocabulary;

#[doc = doc!("UciGames")]
#[pyclass(frozen, get_all, module = "chess_engine")]
pub struct UciGames {
    tokens: Py<PyArray2<i16>>,
    lengths: Py<PyArray1<i32>>,
    terminations: Py<PyArray1<u8>>,
    outcomes: Py<PyArray1<i16>>,
    numbers: Py<PyArray1<i64>>,
    report: Py<PyDict>,
}

impl UciGames {
    fn new(py: Python<'_>, columns: Columns) -> PyResult<UciGames> {
        let shape = [columns.n_games(), columns.format.max_ply];
        Ok(UciGames {
            tokens: columns.tokens.into_pyarray(py).reshape(shape)?.unbind(),
            lengths: columns.lengths.into_pyarray(py).unbind(),
            terminations: columns.terminations.into_pyarray(py).unbind(),
            outcomes: columns.outcomes.into_pyarray(py).unbind(),
            numbers: columns.numbers.into_pyarray(py).unbind(),
            report: report(py, columns.report, columns.format)?,
        })
    }
}

#[doc = doc!("UciReader")]
#[pyclass(frozen, module = "chess_engine")]
pub struct UciReader(Batches<Columns>);

#[pymethods]
impl UciReader {
    #[new]
    #[pyo3(
        signature = (
            path, *, batch_size = Integer::of(4096), max_ply = Integer::of(512),
            vocabulary = "searchless", castling = "two_step", threads = None
        ),
        text_signature = "(path, *, batch_size=4096, max_ply=512, vocabulary='searchless', \
            castling='two_step', threads=None)"
    )]
    fn new(
        path: PathBuf,
        batch_size: Integer,
        max_ply: Integer,
        vocabulary: &str,
        castling: &str,
        threads: Option<Integer>,
    ) -> PyResult<UciReader> {
        let batch_size = batch_size.within("batch_size", 1..=ALL)?;
        let vocabulary = Vocabulary::named(vocabulary)?;
        let max_ply = arguments::max_ply(max_ply)?;
        let format = Format {
            castling: arguments::castling(castling)?,
            ..Format::new(Notation::Uci, vocabulary, max_ply)
        };
        let workers = Workers::new(arguments::threads(threads)?)?;
        let reader = Reader::open(&path, format, workers, Place::default())?;
        Ok(UciReader(Batches::new(reader, batch_size)))
    }

    fn __iter__(this: Py<Self>) -> Py<Self> {
        this
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<UciGames> {
        UciGames::new(py, self.0.next(py)?)
    }

    #[getter]
    fn report(&self, py: Python<'_>) -> PyResult<Py<PyDict>> {
        let (counts, format) = self.0.report(py);
        report(py, counts, format)
    }
}

#[doc = doc!("parse_uci_file")]
#[pyfunction]
#[pyo3(
    signature = (
        path, *, max_games = None, max_ply = Integer::of(512), vocabulary = "searchless",
        castling = "two_step", threads = None
    ),
    text_signature = "(path, *, max_games=None, max_ply=512, vocabulary='searchless', \
        castling='two_step', threads=None)"
)]
pub fn parse_uci_file(
    py: Python<'_>,
    path: PathBuf,
    max_games: Option<Integer>,
    max_ply: Integer,
    vocabulary: &str,
    castling: &str,
    threads: Option<Integer>,
) -> PyResult<UciGames> {
    let size = max_games.unwrap_or(Integer::of(ALL));
    size.within("max_games", 1..=ALL)?;
    let reader = UciReader::new(path, size, max_ply, vocabulary, castling, threads)?;
    UciGames::new(py, reader.0.take_all(py)?)
}

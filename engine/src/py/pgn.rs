//! `PgnGames`, `PgnReader`, `parse_pgn_file` and `pgn_to_tokens`.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use numpy::{IntoPyArray, PyArray1, PyArray2, PyArrayMethods};
use pyo3::exceptions::PyStopIteration;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::pgn::{Batch, Columns, Dropped, Filter, Format, Notation, Place, Reader, Report, Text};
use crate::py::arguments::{self, Integer};
use crate::py::calls;
use crate::threads::Workers;
use crate::vocabulary::Vocabulary;

/// As many games as there are.
pub const ALL: u64 = i32::MAX as u64;

#[doc = doc!("PgnGames")]
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
    white: Option<Py<PyList>>,
    black: Option<Py<PyList>>,
    white_titles: Option<Py<PyList>>,
    black_titles: Option<Py<PyList>>,
    events: Option<Py<PyList>>,
    dates: Option<Py<PyList>>,
    times: Option<Py<PyList>>,
    report: Py<PyDict>,
}

impl PgnGames {
    fn new(py: Python<'_>, columns: Columns) -> PyResult<PgnGames> {
        let shape = [columns.n_games(), columns.format.max_ply];
        let annotations = |values: Vec<f32>| {
            let rows = || values.into_pyarray(py).reshape(shape).map(Bound::unbind);
            columns.format.annotations.then(rows).transpose()
        };
        let texts = |text| Ok::<_, PyErr>(PyList::new(py, columns.texts_of(text))?.unbind());
        let on_request = |text| wants_all(columns.format).then(|| texts(text)).transpose();
        Ok(PgnGames {
            eco: texts(Text::Eco)?,
            time_controls: texts(Text::TimeControl)?,
            sites: texts(Text::Site)?,
            white: on_request(Text::White)?,
            black: on_request(Text::Black)?,
            white_titles: on_request(Text::WhiteTitle)?,
            black_titles: on_request(Text::BlackTitle)?,
            events: on_request(Text::Event)?,
            dates: on_request(Text::Date)?,
            times: on_request(Text::Time)?,
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
            report: report(py, columns.report, columns.format)?,
        })
    }
}

/// A reader and how many games to take at a time.
pub struct Batches<B> {
    reader: Mutex<Reader<B>>,
    size: usize,
}

impl<B: Batch + Send> Batches<B> {
    pub fn new(reader: Reader<B>, size: u64) -> Batches<B> {
        Batches {
            reader: Mutex::new(reader),
            size: size as usize,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Reader<B>> {
        self.reader.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next batch.
    pub fn take(&self, py: Python<'_>) -> PyResult<B> {
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

    /// The one batch of a file that is read at once. Fewer games than it may have are all there are,
    /// or those before a place that cannot be read: the next batch says which.
    pub fn take_all(&self, py: Python<'_>) -> PyResult<B> {
        let batch = self.take(py)?;
        if !batch.is_full(self.size) {
            self.take(py)?;
        }
        Ok(batch)
    }

    /// The next batch of an iterator, which has something.
    pub fn next(&self, py: Python<'_>) -> PyResult<B> {
        match self.take(py)? {
            batch if batch.is_empty() => Err(PyStopIteration::new_err(())),
            batch => Ok(batch),
        }
    }

    /// What became of the games so far, and of what format they are.
    pub fn report(&self, py: Python<'_>) -> (Report, Format) {
        py.detach(|| {
            let reader = self.lock();
            (reader.report(), reader.format())
        })
    }
}

#[doc = doc!("PgnReader")]
#[pyclass(frozen, module = "chess_engine")]
pub struct PgnReader(Batches<Columns>);

#[pymethods]
impl PgnReader {
    #[new]
    #[pyo3(
        signature = (
            path, *, batch_size = Integer::of(4096), max_ply = Integer::of(512),
            vocabulary = "searchless", annotations = true, tags = false, drop_bots = false,
            threads = None
        ),
        text_signature = "(path, *, batch_size=4096, max_ply=512, vocabulary='searchless', \
            annotations=True, tags=False, drop_bots=False, threads=None)"
    )]
    #[expect(clippy::too_many_arguments, reason = "they are those of Python")]
    fn new(
        path: PathBuf,
        batch_size: Integer,
        max_ply: Integer,
        vocabulary: &str,
        annotations: bool,
        tags: bool,
        drop_bots: bool,
        threads: Option<Integer>,
    ) -> PyResult<PgnReader> {
        let batch_size = batch_size.within("batch_size", 1..=ALL)?;
        let format = Format {
            annotations,
            ..format(vocabulary, max_ply, tags, drop_bots)?
        };
        let workers = Workers::new(arguments::threads(threads)?)?;
        let reader = Reader::open(&path, format, workers, Place::default())?;
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
        let (counts, format) = self.0.report(py);
        report(py, counts, format)
    }
}

pub fn report(py: Python<'_>, report: Report, format: Format) -> PyResult<Py<PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("read", report.n_read)?;
    dict.set_item("kept", report.n_kept())?;
    let n_reasons = Dropped::Bot as usize + usize::from(format.filter.drop_bots);
    for (name, count) in Dropped::NAMES[..n_reasons].iter().zip(report.n_dropped) {
        dict.set_item(name, count)?;
    }
    Ok(dict.unbind())
}

#[doc = doc!("parse_pgn_file")]
#[pyfunction]
#[pyo3(
    signature = (
        path, *, max_games = None, max_ply = Integer::of(512), vocabulary = "searchless",
        annotations = true, tags = false, drop_bots = false, threads = None
    ),
    text_signature = "(path, *, max_games=None, max_ply=512, vocabulary='searchless', \
        annotations=True, tags=False, drop_bots=False, threads=None)"
)]
#[expect(clippy::too_many_arguments, reason = "they are those of Python")]
pub fn parse_pgn_file(
    py: Python<'_>,
    path: PathBuf,
    max_games: Option<Integer>,
    max_ply: Integer,
    vocabulary: &str,
    annotations: bool,
    tags: bool,
    drop_bots: bool,
    threads: Option<Integer>,
) -> PyResult<PgnGames> {
    let size = max_games.unwrap_or(Integer::of(ALL));
    size.within("max_games", 1..=ALL)?;
    let reader = PgnReader::new(
        path,
        size,
        max_ply,
        vocabulary,
        annotations,
        tags,
        drop_bots,
        threads,
    )?;
    PgnGames::new(py, reader.0.take_all(py)?)
}

#[doc = doc!("pgn_to_tokens")]
#[pyfunction]
#[pyo3(
    signature = (
        pgn, *, max_ply = Integer::of(512), vocabulary = "searchless", annotations = true,
        tags = false, drop_bots = false, threads = None
    ),
    text_signature = "(pgn, *, max_ply=512, vocabulary='searchless', annotations=True, \
        tags=False, drop_bots=False, threads=None)"
)]
#[expect(clippy::too_many_arguments, reason = "they are those of Python")]
pub fn pgn_to_tokens(
    py: Python<'_>,
    pgn: &str,
    max_ply: Integer,
    vocabulary: &str,
    annotations: bool,
    tags: bool,
    drop_bots: bool,
    threads: Option<Integer>,
) -> PyResult<PgnGames> {
    let format = Format {
        annotations,
        ..format(vocabulary, max_ply, tags, drop_bots)?
    };
    let workers = Workers::new(arguments::threads(threads)?)?;
    let reader = Reader::from_bytes(pgn.as_bytes().to_vec(), format, workers, Place::default());
    PgnGames::new(py, Batches::new(reader, ALL).take(py)?)
}

fn format(vocabulary: &str, max_ply: Integer, tags: bool, drop_bots: bool) -> PyResult<Format> {
    let vocabulary = Vocabulary::named(vocabulary)?;
    let format = Format::new(Notation::Pgn, vocabulary, arguments::max_ply(max_ply)?);
    Ok(Format {
        n_texts: if tags { Text::COUNT } else { Text::ALWAYS },
        filter: Filter {
            drop_bots,
            ..Filter::NONE
        },
        ..format
    })
}

fn wants_all(format: Format) -> bool {
    format.n_texts == Text::COUNT
}

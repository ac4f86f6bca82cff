//! `PgnGames`, `PgnReader`, `parse_pgn_file` and `pgn_to_tokens`.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use numpy::{IntoPyArray, PyArray1, PyArray2, PyArrayMethods};
use pyo3::exceptions::PyStopIteration;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::error::Result;
use crate::pgn::{self, Dropped, PgnGame, Report};
use crate::py::arguments::{self, Integer};
use crate::py::calls;
use crate::threads::Workers;
use crate::vocabulary::Vocabulary;

const ALL: u64 = i32::MAX as u64;

#[pyclass(frozen, get_all, module = "chess_engine")]
pub struct PgnGames {
    tokens: Py<PyArray2<i16>>,
    lengths: Py<PyArray1<i32>>,
    terminations: Py<PyArray1<u8>>,
    outcomes: Py<PyArray1<i16>>,
    scores: Py<PyArray1<i8>>,
    clocks: Py<PyArray2<f32>>,
    evaluations: Py<PyArray2<f32>>,
    white_elo: Py<PyArray1<i16>>,
    black_elo: Py<PyArray1<i16>>,
    numbers: Py<PyArray1<i64>>,
    eco: Vec<String>,
    time_controls: Vec<String>,
    sites: Vec<String>,
    report: Py<PyDict>,
}

/// Games with what is needed to write them as columns.
struct Batch {
    games: Vec<(u64, PgnGame)>,
    vocabulary: &'static Vocabulary,
    max_ply: usize,
    report: Report,
}

/// A reader with the games of the batch it is reading, which outlive an interrupted call.
struct Reading {
    reader: pgn::PgnReader,
    games: Vec<(u64, PgnGame)>,
}

impl Reading {
    fn new(reader: pgn::PgnReader) -> Reading {
        let games = Vec::new();
        Reading { reader, games }
    }

    /// Read one game more; the batch, once it has `n` games or the text has no more.
    fn step(&mut self, n: u64) -> Result<Option<Batch>> {
        let game = match self.games.len() as u64 {
            len if len < n => self.reader.next_game()?,
            _ => None,
        };
        let is_over = game.is_none();
        self.games.extend(game);
        Ok(is_over.then(|| Batch {
            games: std::mem::take(&mut self.games),
            vocabulary: self.reader.vocabulary(),
            max_ply: self.reader.max_ply(),
            report: self.reader.report(),
        }))
    }
}

impl PgnGames {
    fn new(py: Python<'_>, batch: &Batch) -> PyResult<PgnGames> {
        let (games, max_ply) = (&batch.games, batch.max_ply);
        let outcome = |game: &PgnGame| {
            let token = game.outcome.and_then(|o| batch.vocabulary.outcome_token(o));
            token.unwrap_or(-1)
        };
        let numbers: Vec<i64> = games.iter().map(|(number, _)| *number as i64).collect();
        Ok(PgnGames {
            tokens: rows(py, games, max_ply, batch.vocabulary.pad, |g| &g.tokens)?,
            lengths: column(py, games, |g| g.tokens.len() as i32),
            terminations: column(py, games, |g| g.termination as u8),
            outcomes: column(py, games, outcome),
            scores: column(py, games, |g| g.score.unwrap_or(2)),
            clocks: rows(py, games, max_ply, f32::NAN, |g| &g.clocks)?,
            evaluations: rows(py, games, max_ply, f32::NAN, |g| &g.evaluations)?,
            white_elo: column(py, games, |g| g.tags.white_elo.unwrap_or(-1)),
            black_elo: column(py, games, |g| g.tags.black_elo.unwrap_or(-1)),
            numbers: numbers.into_pyarray(py).unbind(),
            eco: strings(games, |g| &g.tags.eco),
            time_controls: strings(games, |g| &g.tags.time_control),
            sites: strings(games, |g| &g.tags.site),
            report: report(py, batch.report)?,
        })
    }
}

fn column<T: numpy::Element>(
    py: Python<'_>,
    games: &[(u64, PgnGame)],
    field: impl Fn(&PgnGame) -> T,
) -> Py<PyArray1<T>> {
    let column: Vec<T> = games.iter().map(|(_, game)| field(game)).collect();
    column.into_pyarray(py).unbind()
}

fn rows<T: numpy::Element + Copy>(
    py: Python<'_>,
    games: &[(u64, PgnGame)],
    width: usize,
    padding: T,
    field: impl Fn(&PgnGame) -> &Vec<T>,
) -> PyResult<Py<PyArray2<T>>> {
    let mut all = vec![padding; games.len() * width];
    for (row, (_, game)) in all.chunks_exact_mut(width).zip(games) {
        let values = field(game);
        row[..values.len()].copy_from_slice(values);
    }
    Ok(all.into_pyarray(py).reshape([games.len(), width])?.unbind())
}

fn strings(games: &[(u64, PgnGame)], field: impl Fn(&PgnGame) -> &String) -> Vec<String> {
    games.iter().map(|(_, game)| field(game).clone()).collect()
}

#[pyclass(frozen, module = "chess_engine")]
pub struct PgnReader {
    reading: Mutex<Reading>,
    batch_size: u64,
}

#[pymethods]
impl PgnReader {
    #[new]
    #[pyo3(
        signature = (
            path, *, batch_size = Integer::of(4096), max_ply = Integer::of(512),
            vocabulary = "searchless"
        ),
        text_signature = "(path, *, batch_size=4096, max_ply=512, vocabulary='searchless')"
    )]
    fn new(
        path: PathBuf,
        batch_size: Integer,
        max_ply: Integer,
        vocabulary: &str,
    ) -> PyResult<PgnReader> {
        let vocabulary = Vocabulary::named(vocabulary)?;
        let max_ply = arguments::max_ply(max_ply)?;
        let reader = pgn::PgnReader::open(&path, vocabulary, max_ply)?;
        Ok(PgnReader {
            reading: Mutex::new(Reading::new(reader)),
            batch_size: batch_size.within("batch_size", 1..=ALL)?,
        })
    }

    fn __iter__(this: Py<Self>) -> Py<Self> {
        this
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<PgnGames> {
        let games = self.take(py)?;
        let size = games.lengths.bind(py).len()?;
        if size == 0 {
            Err(PyStopIteration::new_err(()))
        } else {
            Ok(games)
        }
    }

    #[getter]
    fn report(&self, py: Python<'_>) -> PyResult<Py<PyDict>> {
        report(py, py.detach(|| self.lock().reader.report()))
    }
}

impl PgnReader {
    fn lock(&self) -> MutexGuard<'_, Reading> {
        self.reading.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, py: Python<'_>) -> PyResult<PgnGames> {
        let batch = calls::run_on(py, Workers::caller(), |workers| {
            loop {
                // Signal handlers run in here, and may use this reader: it is not locked.
                workers.check()?;
                if let Some(batch) = self.lock().step(self.batch_size)? {
                    return Ok(batch);
                }
            }
        })?;
        PgnGames::new(py, &batch)
    }
}

fn report(py: Python<'_>, report: Report) -> PyResult<Py<PyDict>> {
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
    signature = (path, *, max_games = None, max_ply = Integer::of(512), vocabulary = "searchless"),
    text_signature = "(path, *, max_games=None, max_ply=512, vocabulary='searchless')"
)]
pub fn parse_pgn_file(
    py: Python<'_>,
    path: PathBuf,
    max_games: Option<Integer>,
    max_ply: Integer,
    vocabulary: &str,
) -> PyResult<PgnGames> {
    let max_games = max_games.unwrap_or(Integer::of(ALL));
    max_games.within("max_games", 1..=ALL)?;
    PgnReader::new(path, max_games, max_ply, vocabulary)?.take(py)
}

#[pyfunction]
#[pyo3(
    signature = (pgn, *, max_ply = Integer::of(512), vocabulary = "searchless"),
    text_signature = "(pgn, *, max_ply=512, vocabulary='searchless')"
)]
pub fn pgn_to_tokens(
    py: Python<'_>,
    pgn: &str,
    max_ply: Integer,
    vocabulary: &str,
) -> PyResult<PgnGames> {
    let vocabulary = Vocabulary::named(vocabulary)?;
    let max_ply = arguments::max_ply(max_ply)?;
    let reader = pgn::PgnReader::from_bytes(pgn.as_bytes().to_vec(), vocabulary, max_ply);
    let reader = PgnReader {
        reading: Mutex::new(Reading::new(reader)),
        batch_size: ALL,
    };
    reader.take(py)
}

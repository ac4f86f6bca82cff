//! `AccuracyCeiling`, `compute_accuracy_ceiling`, and the same in parts.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use numpy::{IntoPyArray, Ix2, PyArray2, PyArrayMethods, PyReadonlyArray2, PyUntypedArrayMethods};
use pyo3::prelude::*;

use crate::ceiling::{self, Request, Sums};
use crate::error::{Error, Result};
use crate::py::arguments::{self, Integer, Number};
use crate::py::{arrays, calls};
use crate::rng::Probability;
use crate::threads::Workers;
use crate::vocabulary::Vocabulary;

const MAX_GAMES: u64 = 10_000_000;
const MAX_ROLLOUTS: u64 = 1_000_000;
const MAX_RESAMPLES: u64 = 100_000;

#[doc = doc!("Estimate")]
#[pyclass(frozen, get_all, module = "chess_engine")]
pub struct Estimate {
    value: f64,
    low: f64,
    high: f64,
}

#[doc = doc!("Ceilings")]
#[pyclass(frozen, get_all, module = "chess_engine")]
pub struct Ceilings {
    n_positions: u64,
    unconditional: Py<Estimate>,
    naive_conditioned: Option<Py<Estimate>>,
    mc_lower: Option<Py<Estimate>>,
    mc_upper: Option<Py<Estimate>>,
}

#[doc = doc!("AccuracyCeiling")]
#[pyclass(frozen, get_all, module = "chess_engine")]
pub struct AccuracyCeiling {
    vocabulary: &'static str,
    max_ply: usize,
    n_games: usize,
    n_sampled: u64,
    n_unresolved: u64,
    moves: Py<Ceilings>,
    prefixed: Py<Ceilings>,
    pure_unconditional: Py<Estimate>,
}

#[doc = doc!("compute_accuracy_ceiling")]
#[pyfunction]
#[pyo3(
    signature = (
        n_games, *, seed, max_ply = None, vocabulary = "searchless",
        sample_rate = Number::of(0.02), rollouts = Integer::of(128),
        resamples = Integer::of(1000), progress = None, threads = None,
    ),
    text_signature = "(n_games, *, seed, max_ply=None, vocabulary='searchless', sample_rate=0.02, \
        rollouts=128, resamples=1000, progress=None, threads=None)"
)]
#[expect(
    clippy::too_many_arguments,
    reason = "the keyword arguments of one Python function"
)]
pub fn compute_accuracy_ceiling(
    py: Python<'_>,
    n_games: Integer,
    seed: Integer,
    max_ply: Option<Integer>,
    vocabulary: &str,
    sample_rate: Number,
    rollouts: Integer,
    resamples: Integer,
    progress: Option<Py<PyAny>>,
    threads: Option<Integer>,
) -> PyResult<AccuracyCeiling> {
    let games = 0..n_games.within("n_games", 1..=MAX_GAMES)?;
    let request = Request {
        sample_rate: arguments::probability("sample_rate", sample_rate)?,
        resamples: self::resamples(resamples)?,
        ..request(seed, games, max_ply, vocabulary, rollouts)?
    };
    let workers = Workers::new(arguments::threads(threads)?)?;
    let found = observed(py, &request, workers, progress, |workers, done| {
        let sums = ceiling::sums(&request, workers, done)?;
        ceiling::combine(&request, &sums, workers)
    })?;
    AccuracyCeiling::new(py, &request, &found)
}

#[doc = doc!("compute_ceiling_sums")]
#[pyfunction]
#[pyo3(
    signature = (
        n_games, *, seed, first_game = Integer::of(0), max_ply = None, vocabulary = "searchless",
        sample_rate = Number::of(0.02), rollouts = Integer::of(128), progress = None,
        threads = None,
    ),
    text_signature = "(n_games, *, seed, first_game=0, max_ply=None, vocabulary='searchless', \
        sample_rate=0.02, rollouts=128, progress=None, threads=None)"
)]
#[expect(
    clippy::too_many_arguments,
    reason = "the keyword arguments of one Python function"
)]
pub fn compute_ceiling_sums(
    py: Python<'_>,
    n_games: Integer,
    seed: Integer,
    first_game: Integer,
    max_ply: Option<Integer>,
    vocabulary: &str,
    sample_rate: Number,
    rollouts: Integer,
    progress: Option<Py<PyAny>>,
    threads: Option<Integer>,
) -> PyResult<Py<PyArray2<f64>>> {
    let n_games = n_games.within("n_games", 1..=MAX_GAMES)?;
    let first_game = first_game.within("first_game", 0..=i64::MAX as u64)?;
    let games = first_game..first_game + n_games;
    let request = Request {
        sample_rate: arguments::probability("sample_rate", sample_rate)?,
        ..request(seed, games, max_ply, vocabulary, rollouts)?
    };
    let workers = Workers::new(arguments::threads(threads)?)?;
    let sums = observed(py, &request, workers, progress, |workers, done| {
        ceiling::sums(&request, workers, done)
    })?;
    let numbers: Vec<f64> = sums.iter().flat_map(Sums::numbers).collect();
    let rows = numbers.into_pyarray(py).reshape([sums.len(), Sums::FIELDS]);
    Ok(rows?.unbind())
}

#[doc = doc!("combine_ceiling_sums")]
#[pyfunction]
#[pyo3(
    signature = (
        sums, *, seed, max_ply = None, vocabulary = "searchless", rollouts = Integer::of(128),
        resamples = Integer::of(1000), threads = None,
    ),
    text_signature = "(sums, *, seed, max_ply=None, vocabulary='searchless', rollouts=128, \
        resamples=1000, threads=None)"
)]
#[expect(
    clippy::too_many_arguments,
    reason = "the keyword arguments of one Python function"
)]
pub fn combine_ceiling_sums(
    py: Python<'_>,
    sums: &Bound<'_, PyAny>,
    seed: Integer,
    max_ply: Option<Integer>,
    vocabulary: &str,
    rollouts: Integer,
    resamples: Integer,
    threads: Option<Integer>,
) -> PyResult<AccuracyCeiling> {
    let games = rows(sums)?;
    let request = Request {
        resamples: self::resamples(resamples)?,
        ..request(seed, 0..games.len() as u64, max_ply, vocabulary, rollouts)?
    };
    let found = calls::run(py, threads, |workers| {
        ceiling::combine(&request, &games, workers)
    })?;
    AccuracyCeiling::new(py, &request, &found)
}

/// What each game adds, as `compute_ceiling_sums` returned it.
fn rows(sums: &Bound<'_, PyAny>) -> PyResult<Vec<Sums>> {
    let expected = "a float64 array of shape (n_games, 8) with 1..=10000000 rows";
    let array: PyReadonlyArray2<'_, f64> = arrays::contiguous::<_, Ix2>("sums", sums, expected)?;
    let n_games = array.shape()[0] as u64;
    if array.shape()[1] != Sums::FIELDS || !(1..=MAX_GAMES).contains(&n_games) {
        return Err(Error::out_of_range("sums", expected, arrays::describe(sums)).into());
    }
    let (rows, _) = array.as_slice()?.as_chunks();
    Ok(rows.iter().copied().map(Sums::from_numbers).collect())
}

/// These games, none of their positions sampled.
fn request(
    seed: Integer,
    games: Range<u64>,
    max_ply: Option<Integer>,
    vocabulary: &str,
    rollouts: Integer,
) -> PyResult<Request> {
    let longest = Vocabulary::named(vocabulary)?.default_max_ply;
    let max_ply = max_ply.unwrap_or_else(|| Integer::of(longest));
    Ok(Request {
        random: arguments::random_games(seed, games, max_ply, Number::of(0.0), vocabulary)?,
        sample_rate: Probability::ZERO,
        rollouts: even("rollouts", rollouts)?,
        resamples: 0,
    })
}

fn resamples(n: Integer) -> Result<usize> {
    Ok(n.within("resamples", 1..=MAX_RESAMPLES)? as usize)
}

/// Two halves are compared.
fn even(name: &'static str, n: Integer) -> Result<u32> {
    let n = n.within(name, 0..=MAX_ROLLOUTS)? as u32;
    match n.is_multiple_of(2) {
        true => Ok(n),
        false => Err(Error::out_of_range(name, "even", n)),
    }
}

/// Do the work and report how many games are finished now and then, and at the end.
fn observed<T: Send>(
    py: Python<'_>,
    request: &Request,
    workers: Workers<'_>,
    progress: Option<Py<PyAny>>,
    work: impl FnOnce(&Workers, &AtomicUsize) -> Result<T> + Send,
) -> PyResult<T> {
    let (done, told) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let tell = |py: Python<'_>| {
        let n = done.load(Ordering::Relaxed);
        match &progress {
            Some(progress) if told.swap(n, Ordering::Relaxed) != n => {
                progress.call1(py, (n, request.random.n_games())).map(drop)
            }
            _ => Ok(()),
        }
    };
    let found = calls::attended(py, workers, tell, |workers| work(workers, &done))?;
    tell(py)?;
    Ok(found)
}

impl AccuracyCeiling {
    fn new(
        py: Python<'_>,
        request: &Request,
        found: &ceiling::AccuracyCeiling,
    ) -> PyResult<AccuracyCeiling> {
        Ok(AccuracyCeiling {
            vocabulary: request.random.rules.vocabulary.name,
            max_ply: request.random.rules.max_ply,
            n_games: request.random.n_games(),
            n_sampled: found.n_sampled,
            n_unresolved: found.n_unresolved,
            moves: Py::new(py, Ceilings::new(py, &found.moves)?)?,
            prefixed: Py::new(py, Ceilings::new(py, &found.prefixed)?)?,
            pure_unconditional: estimate(py, found.pure_unconditional)?,
        })
    }
}

impl Ceilings {
    fn new(py: Python<'_>, found: &ceiling::Ceilings) -> PyResult<Ceilings> {
        let sampled = |found: Option<ceiling::Estimate>| found.map(|e| estimate(py, e)).transpose();
        Ok(Ceilings {
            n_positions: found.n_positions,
            unconditional: estimate(py, found.unconditional)?,
            naive_conditioned: sampled(found.naive)?,
            mc_lower: sampled(found.mc_lower)?,
            mc_upper: sampled(found.mc_upper)?,
        })
    }
}

fn estimate(py: Python<'_>, found: ceiling::Estimate) -> PyResult<Py<Estimate>> {
    let ceiling::Estimate { value, low, high } = found;
    Py::new(py, Estimate { value, low, high })
}

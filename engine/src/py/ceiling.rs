//! `AccuracyCeiling` and `compute_accuracy_ceiling`.

use std::sync::atomic::{AtomicUsize, Ordering};

use pyo3::prelude::*;

use crate::ceiling::{self, Request};
use crate::error::{Error, Result};
use crate::py::arguments::{self, Integer, Number};
use crate::py::calls;
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
    let longest = Vocabulary::named(vocabulary)?.default_max_ply;
    let max_ply = max_ply.unwrap_or_else(|| Integer::of(longest));
    let games = 0..n_games.within("n_games", 1..=MAX_GAMES)?;
    let unboosted = Number::of(0.0);
    let request = Request {
        random: arguments::random_games(seed, games, max_ply, unboosted, vocabulary)?,
        sample_rate: arguments::probability("sample_rate", sample_rate)?,
        rollouts: even("rollouts", rollouts)?,
        resamples: resamples.within("resamples", 1..=MAX_RESAMPLES)? as usize,
    };
    let workers = Workers::new(arguments::threads(threads)?)?;
    let found = observed(py, &request, workers, progress)?;
    AccuracyCeiling::new(py, &request, &found)
}

/// Two halves are compared.
fn even(name: &'static str, n: Integer) -> Result<u32> {
    let n = n.within(name, 0..=MAX_ROLLOUTS)? as u32;
    match n.is_multiple_of(2) {
        true => Ok(n),
        false => Err(Error::out_of_range(name, "even", n)),
    }
}

/// Compute and report progress now and then, and at the end.
fn observed(
    py: Python<'_>,
    request: &Request,
    workers: Workers<'_>,
    progress: Option<Py<PyAny>>,
) -> PyResult<ceiling::AccuracyCeiling> {
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
    let found = calls::attended(py, workers, tell, |workers| {
        ceiling::compute(request, workers, &done)
    })?;
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

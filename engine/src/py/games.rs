//! `Games` and `generate_random_games`.

use numpy::{IntoPyArray, PyArray1, PyArray2, PyArrayMethods};
use pyo3::prelude::*;

use crate::csr::TokenRows;
use crate::generate::{self, Keep, Request};
use crate::py::arguments::{self, Integer, Number};
use crate::py::calls;

#[doc = doc!("Games")]
#[pyclass(frozen, get_all, module = "chess_engine")]
pub struct Games {
    tokens: Py<PyArray2<i16>>,
    lengths: Py<PyArray1<i32>>,
    terminations: Py<PyArray1<u8>>,
    outcomes: Py<PyArray1<i16>>,
    attempts: Py<PyArray1<i32>>,
    legal_values: Option<Py<PyArray1<i16>>>,
    legal_offsets: Option<Py<PyArray1<i64>>>,
    mating_values: Option<Py<PyArray1<i16>>>,
    mating_offsets: Option<Py<PyArray1<i64>>>,
}

#[doc = doc!("generate_random_games")]
#[pyfunction]
#[pyo3(
    signature = (
        n_games, *, seed, first_game = Integer::of(0), max_ply = Integer::of(512),
        mate_boost = Number::of(0.0), discard_ply_limit = false, vocabulary = "searchless",
        legal_moves = false, threads = None,
    ),
    text_signature = "(n_games, *, seed, first_game=0, max_ply=512, mate_boost=0.0, \
        discard_ply_limit=False, vocabulary='searchless', legal_moves=False, threads=None)"
)]
#[expect(
    clippy::too_many_arguments,
    reason = "the keyword arguments of one Python function"
)]
pub fn generate_random_games(
    py: Python<'_>,
    n_games: Integer,
    seed: Integer,
    first_game: Integer,
    max_ply: Integer,
    mate_boost: Number,
    discard_ply_limit: bool,
    vocabulary: &str,
    legal_moves: bool,
    threads: Option<Integer>,
) -> PyResult<Games> {
    let games = arguments::games(n_games, first_game)?;
    let request = Request {
        random: arguments::random_games(seed, games, max_ply, mate_boost, vocabulary)?,
        keep: Keep::finished(discard_ply_limit),
        choices: legal_moves,
    };
    Games::generate(py, &request, threads)
}

impl Games {
    pub fn generate(
        py: Python<'_>,
        request: &Request,
        threads: Option<Integer>,
    ) -> PyResult<Games> {
        let games = calls::run(py, threads, |workers| generate::generate(request, workers))?;
        Games::new(py, games, request.random.rules.max_ply)
    }

    fn new(py: Python<'_>, games: generate::Games, max_ply: usize) -> PyResult<Games> {
        let shape = [games.lengths.len(), max_ply];
        let (legal_values, legal_offsets) = csr(py, games.legal);
        let (mating_values, mating_offsets) = csr(py, games.mating);
        Ok(Games {
            tokens: games.tokens.into_pyarray(py).reshape(shape)?.unbind(),
            lengths: games.lengths.into_pyarray(py).unbind(),
            terminations: games.terminations.into_pyarray(py).unbind(),
            outcomes: games.outcomes.into_pyarray(py).unbind(),
            attempts: games.attempts.into_pyarray(py).unbind(),
            legal_values,
            legal_offsets,
            mating_values,
            mating_offsets,
        })
    }
}

pub type Csr = (Option<Py<PyArray1<i16>>>, Option<Py<PyArray1<i64>>>);

pub fn csr(py: Python<'_>, rows: Option<TokenRows>) -> Csr {
    rows.map(|rows| {
        let values = rows.values.into_pyarray(py).unbind();
        (values, rows.offsets.into_pyarray(py).unbind())
    })
    .unzip()
}

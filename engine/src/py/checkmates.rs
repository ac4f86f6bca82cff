//! `generate_checkmate_games`.

use pyo3::prelude::*;

use crate::generate::{Keep, Request};
use crate::py::arguments::{self, Integer, Number};
use crate::py::games::Games;

#[doc = doc!("generate_checkmate_games")]
#[pyfunction]
#[pyo3(
    signature = (
        n_games, *, seed, first_game = Integer::of(0), max_ply = Integer::of(512), side = None,
        mate_boost = Number::of(0.0), vocabulary = "searchless", legal_moves = false,
        threads = None,
    ),
    text_signature = "(n_games, *, seed, first_game=0, max_ply=512, side=None, mate_boost=0.0, \
        vocabulary='searchless', legal_moves=False, threads=None)"
)]
#[expect(
    clippy::too_many_arguments,
    reason = "the keyword arguments of one Python function"
)]
pub fn generate_checkmate_games(
    py: Python<'_>,
    n_games: Integer,
    seed: Integer,
    first_game: Integer,
    max_ply: Integer,
    side: Option<&str>,
    mate_boost: Number,
    vocabulary: &str,
    legal_moves: bool,
    threads: Option<Integer>,
) -> PyResult<Games> {
    let games = arguments::games(n_games, first_game)?;
    let request = Request {
        random: arguments::random_games(seed, games, max_ply, mate_boost, vocabulary)?,
        keep: Keep::Checkmates(side.map(arguments::side).transpose()?),
        choices: legal_moves,
    };
    Games::generate(py, &request, threads)
}

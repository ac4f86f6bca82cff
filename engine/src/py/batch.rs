//! `BatchGames`.

use std::sync::{Mutex, MutexGuard, PoisonError};

use numpy::{Element, IntoPyArray, Ix1, PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray1};
use pyo3::prelude::*;
use shakmaty::Chess;

use crate::batch;
use crate::buffers;
use crate::error::{Error, Result};
use crate::position::parse_fen;
use crate::py::arguments::{self, Integer};
use crate::py::masks::LegalTokens;
use crate::py::{arrays, calls, outputs};
use crate::threads::Workers;
use crate::vocabulary::Vocabulary;

#[doc = doc!("BatchGames")]
#[pyclass(frozen, module = "chess_engine")]
pub struct BatchGames {
    games: Mutex<batch::BatchGames>,
    #[pyo3(get)]
    n_games: usize,
    #[pyo3(get)]
    max_ply: usize,
    vocabulary: &'static Vocabulary,
    /// Threads of a call. Their pool is looked up anew each time, since it does not survive a fork.
    threads: Option<usize>,
}

#[pymethods]
impl BatchGames {
    #[new]
    #[pyo3(
        signature = (
            n_games = None, *, fens = None, max_ply = Integer::of(512),
            vocabulary = "searchless", threads = None
        ),
        text_signature = "(n_games=None, *, fens=None, max_ply=512, vocabulary='searchless', \
            threads=None)"
    )]
    fn new(
        py: Python<'_>,
        n_games: Option<Integer>,
        fens: Option<Vec<String>>,
        max_ply: Integer,
        vocabulary: &str,
        threads: Option<Integer>,
    ) -> PyResult<BatchGames> {
        let max_ply = arguments::max_ply(max_ply)?;
        let vocabulary = Vocabulary::named(vocabulary)?;
        let threads = arguments::threads(threads)?;
        let workers = Workers::new(threads)?;
        let n_games = count(n_games, fens.as_deref())?;
        let games = calls::run_on(py, workers, |workers| match fens {
            None => batch::BatchGames::new(n_games, max_ply, vocabulary),
            Some(fens) => {
                let starts = positions(&fens)?;
                batch::BatchGames::from_positions(starts, max_ply, vocabulary, workers)
            }
        })?;
        Ok(BatchGames {
            games: Mutex::new(games),
            n_games,
            max_ply,
            vocabulary,
            threads,
        })
    }

    #[getter]
    fn vocabulary(&self) -> &'static str {
        self.vocabulary.name
    }

    #[getter]
    fn tokens(&self, py: Python<'_>) -> PyResult<Py<PyArray2<i16>>> {
        let len = self.n_games as u128 * self.max_ply as u128;
        let tokens = self.read(py, |games| {
            let mut tokens = buffers::zeroed("n_games x max_ply", len)?;
            games.write_tokens(&mut tokens);
            Ok::<_, Error>(tokens)
        })?;
        let shape = [self.n_games, self.max_ply];
        Ok(tokens.into_pyarray(py).reshape(shape)?.unbind())
    }

    #[getter]
    fn lengths(&self, py: Python<'_>) -> Py<PyArray1<i32>> {
        self.column(py, batch::BatchGames::lengths)
    }

    #[getter]
    fn terminations(&self, py: Python<'_>) -> Py<PyArray1<u8>> {
        self.column(py, batch::BatchGames::terminations)
    }

    #[getter]
    fn outcomes(&self, py: Python<'_>) -> Py<PyArray1<i16>> {
        self.column(py, batch::BatchGames::outcomes)
    }

    #[getter]
    fn side_to_move(&self, py: Python<'_>) -> Py<PyArray1<i8>> {
        self.column(py, batch::BatchGames::side_to_move)
    }

    #[doc = doc!("BatchGames.apply")]
    fn apply(&self, py: Python<'_>, moves: &Bound<'_, PyAny>) -> PyResult<()> {
        let moves: PyReadonlyArray1<'_, i16> =
            arrays::contiguous::<_, Ix1>("moves", moves, "an int16 array of shape (n_games,)")?;
        let moves = moves.as_slice()?;
        if moves.len() != self.n_games {
            let expected = format!("of shape ({},), one move a game", self.n_games);
            let got = format!("shape ({},)", moves.len());
            return Err(Error::out_of_range("moves", expected, got).into());
        }
        let workers = self.undisturbed()?;
        Ok(py.detach(|| self.lock().apply(moves, &workers))?)
    }

    #[doc = doc!("BatchGames.legal_tokens")]
    fn legal_tokens(&self, py: Python<'_>) -> LegalTokens {
        LegalTokens::new(py, self.read(py, batch::BatchGames::legal_tokens))
    }

    #[doc = doc!("BatchGames.legal_masks")]
    #[pyo3(signature = (out = None))]
    fn legal_masks<'py>(
        &self,
        py: Python<'py>,
        out: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyArray2<bool>>> {
        let shape = [self.n_games, self.vocabulary.size()];
        let mut masks = match out {
            Some(out) => outputs::writable("out", &out, shape, "bool")?,
            None => {
                let len = shape.iter().map(|&n| n as u128).product();
                let fresh = buffers::zeroed("n_games x vocabulary", len)?;
                fresh.into_pyarray(py).reshape(shape)?.readwrite()
            }
        };
        let workers = self.undisturbed()?;
        let flags = masks.as_slice_mut()?;
        py.detach(|| self.lock().write_legal_masks(flags, &workers))?;
        Ok((**masks).clone())
    }

    #[doc = doc!("BatchGames.fens")]
    fn fens(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        let workers = self.undisturbed()?;
        Ok(self.read(py, |games| games.fens(&workers))?)
    }

    #[doc = doc!("BatchGames.reset")]
    #[pyo3(signature = (games = None))]
    fn reset(&self, py: Python<'_>, games: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        let chosen = match games {
            Some(games) => self.chosen(games)?,
            None => vec![true; self.n_games],
        };
        let workers = self.undisturbed()?;
        Ok(py.detach(|| self.lock().reset(&chosen, &workers))?)
    }
}

impl BatchGames {
    fn lock(&self) -> MutexGuard<'_, batch::BatchGames> {
        self.games.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Threads that no signal stops: a change is made in all games or in none, and no handler runs
    /// while the games are locked.
    fn undisturbed(&self) -> Result<Workers<'static>> {
        Workers::new(self.threads)
    }

    fn read<T: Send>(&self, py: Python<'_>, f: impl FnOnce(&batch::BatchGames) -> T + Send) -> T {
        py.detach(|| f(&self.lock()))
    }

    fn column<T: Element>(
        &self,
        py: Python<'_>,
        f: impl FnOnce(&batch::BatchGames) -> Vec<T> + Send,
    ) -> Py<PyArray1<T>> {
        self.read(py, f).into_pyarray(py).unbind()
    }

    /// Which games an array of indices names.
    fn chosen(&self, games: &Bound<'_, PyAny>) -> PyResult<Vec<bool>> {
        let games: PyReadonlyArray1<'_, i64> =
            arrays::contiguous::<_, Ix1>("games", games, "an int64 array of shape (n,)")?;
        let mut chosen = vec![false; self.n_games];
        for (i, &game) in games.as_slice()?.iter().enumerate() {
            let place = usize::try_from(game)
                .ok()
                .and_then(|game| chosen.get_mut(game));
            *place.ok_or_else(|| {
                let expected = format!("below n_games = {} and not negative", self.n_games);
                Error::out_of_range("games", expected, format!("games[{i}] = {game}"))
            })? = true;
        }
        Ok(chosen)
    }
}

/// The number of games that both arguments agree on.
fn count(n_games: Option<Integer>, fens: Option<&[String]>) -> Result<usize> {
    let within = |n: Integer| n.within("n_games", 0..=i32::MAX as u64);
    let n_games = n_games.map(within).transpose()?.map(|n| n as usize);
    let n_fens = fens.map(<[String]>::len);
    match (n_games, n_fens) {
        (Some(n), None) | (None, Some(n)) => Ok(n),
        (Some(n), Some(fens)) if n == fens => Ok(n),
        _ => {
            let text = |n: Option<usize>| n.map_or("None".to_owned(), |n| n.to_string());
            let expected = format!("given, and the number of fens ({}) if any", text(n_fens));
            Err(Error::out_of_range("n_games", expected, text(n_games)))
        }
    }
}

fn positions(fens: &[String]) -> Result<Vec<Chess>> {
    let position = |(i, fen): (usize, &String)| {
        parse_fen(fen).map_err(|error| {
            let got = format!("fens[{i}]: {error}");
            Error::out_of_range("fens", "legal chess positions", got)
        })
    };
    fens.iter().enumerate().map(position).collect()
}

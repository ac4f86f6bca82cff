//! `EnvironmentSteps`, `EnvironmentScores`, `step_environment`, `environment_rows` and
//! `score_environment`.

use numpy::{IntoPyArray, PyArray1, PyArray2, PyArrayMethods};
use pyo3::prelude::*;

use crate::error::Result;
use crate::game::Game;
use crate::position;
use crate::py::task_positions::column;
use crate::py::{calls, texts};
use crate::tasks::environment::{self, Step};
use crate::tasks::environment_score::{self, EnvironmentScore};
use crate::threads::Workers;

#[doc = doc!("EnvironmentSteps")]
#[pyclass(frozen, get_all, module = "chess_engine")]
pub struct EnvironmentSteps {
    fens: Vec<String>,
    rewards: Py<PyArray1<f64>>,
    terminated: Py<PyArray1<bool>>,
    truncated: Py<PyArray1<bool>>,
    legal: Py<PyArray1<bool>>,
    strata: Py<PyArray1<u16>>,
}

#[doc = doc!("step_environment")]
#[pyfunction]
#[pyo3(signature = (fens, ucis, games = None))]
pub fn step_environment(
    py: Python<'_>,
    fens: &Bound<'_, PyAny>,
    ucis: &Bound<'_, PyAny>,
    games: Option<&Bound<'_, PyAny>>,
) -> PyResult<EnvironmentSteps> {
    let fens = texts::texts("fens", fens)?;
    let ucis = texts::texts_for("ucis", ucis, fens.len(), "fens")?;
    let games = texts::lists_for("games", games, fens.len(), "fens")?;
    let steps = calls::run_on(py, Workers::caller(), |workers| {
        steps(&fens, &ucis, games.as_deref(), workers)
    })?;
    Ok(EnvironmentSteps {
        rewards: column(py, steps.iter().map(|step| step.reward.value())),
        terminated: column(py, steps.iter().map(|step| step.terminated)),
        truncated: column(py, steps.iter().map(|step| step.truncated)),
        legal: column(py, steps.iter().map(|step| !step.truncated)),
        strata: column(py, steps.iter().map(|step| step.strata)),
        fens: steps.into_iter().map(|step| step.fen).collect(),
    })
}

fn steps(
    fens: &[String],
    ucis: &[String],
    games: Option<&[Vec<String>]>,
    workers: &Workers,
) -> Result<Vec<Step>> {
    let step = |(index, (fen, uci)): (usize, (&String, &String))| {
        workers.check()?;
        let game = match games {
            Some(games) => environment::game_at(index, fen, &games[index])?,
            None => Game::from(position::position_at(index, fen)?),
        };
        Ok(Step::new(game, uci))
    };
    fens.iter().zip(ucis).enumerate().map(step).collect()
}

#[doc = doc!("environment_rows")]
#[pyfunction]
#[pyo3(signature = (fens, ucis, histories = None))]
pub fn environment_rows(
    py: Python<'_>,
    fens: &Bound<'_, PyAny>,
    ucis: &Bound<'_, PyAny>,
    histories: Option<&Bound<'_, PyAny>>,
) -> PyResult<(Vec<String>, Vec<String>)> {
    let fens = texts::texts("fens", fens)?;
    let ucis = texts::texts_for("ucis", ucis, fens.len(), "fens")?;
    let histories = texts::lists_for("histories", histories, fens.len(), "fens")?;
    calls::run_on(py, Workers::caller(), |workers| {
        let row = |(index, (fen, uci)): (usize, (&String, &String))| {
            workers.check()?;
            let history = histories.as_ref().map(|all| all[index].as_slice());
            environment::row(index, fen, uci, history)
        };
        fens.iter().zip(&ucis).enumerate().map(row).collect()
    })
}

#[doc = doc!("EnvironmentScores")]
#[pyclass(frozen, get_all, module = "chess_engine")]
pub struct EnvironmentScores {
    parsed: Py<PyArray1<bool>>,
    fen_valid: Py<PyArray1<bool>>,
    fen_exact: Py<PyArray1<bool>>,
    fen_fields: Py<PyArray2<bool>>,
    fen_similarity: Py<PyArray1<f64>>,
    reward_parsed: Py<PyArray1<bool>>,
    reward_error: Py<PyArray1<f64>>,
    reward_exact: Py<PyArray1<bool>>,
    flags_parsed: Py<PyArray1<bool>>,
    terminated_right: Py<PyArray1<bool>>,
    truncated_right: Py<PyArray1<bool>>,
    exact: Py<PyArray1<bool>>,
}

#[doc = doc!("score_environment")]
#[pyfunction]
pub fn score_environment(
    py: Python<'_>,
    fens: &Bound<'_, PyAny>,
    ucis: &Bound<'_, PyAny>,
    completions: &Bound<'_, PyAny>,
) -> PyResult<EnvironmentScores> {
    let fens = texts::texts("fens", fens)?;
    let ucis = texts::texts_for("ucis", ucis, fens.len(), "fens")?;
    let completions = texts::texts_for("completions", completions, fens.len(), "fens")?;
    let scores = calls::run_on(py, Workers::caller(), |workers| {
        environment_score::score_all(&fens, &ucis, &completions, workers)
    })?;
    EnvironmentScores::new(py, &scores)
}

impl EnvironmentScores {
    fn new(py: Python<'_>, scores: &[EnvironmentScore]) -> PyResult<EnvironmentScores> {
        let all = scores.iter();
        let fields: Vec<bool> = all.clone().flat_map(|score| score.fen_fields).collect();
        Ok(EnvironmentScores {
            parsed: column(py, all.clone().map(|score| score.parsed)),
            fen_valid: column(py, all.clone().map(|score| score.fen_valid)),
            fen_exact: column(py, all.clone().map(|score| score.fen_exact)),
            fen_fields: fields.into_pyarray(py).reshape([scores.len(), 6])?.unbind(),
            fen_similarity: column(py, all.clone().map(|score| score.fen_similarity)),
            reward_parsed: column(py, all.clone().map(|score| score.reward_parsed)),
            reward_error: column(py, all.clone().map(|score| score.reward_error)),
            reward_exact: column(py, all.clone().map(|score| score.reward_exact)),
            flags_parsed: column(py, all.clone().map(|score| score.flags_parsed)),
            terminated_right: column(py, all.clone().map(|score| score.terminated_right)),
            truncated_right: column(py, all.clone().map(|score| score.truncated_right)),
            exact: column(py, all.map(|score| score.exact)),
        })
    }
}

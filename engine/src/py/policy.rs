//! `PolicyScores`, `policy_prompts`, `policy_rows` and `score_policy`.

use numpy::PyArray1;
use pyo3::prelude::*;

use crate::position::position_at;
use crate::py::arguments::{self, Integer};
use crate::py::task_positions::column;
use crate::py::{calls, texts};
use crate::tasks::policy;
use crate::tasks::policy_score::{self, PolicyScore};
use crate::threads::Workers;

#[doc = doc!("policy_prompts")]
#[pyfunction]
#[pyo3(signature = (fens, *, native = false))]
pub fn policy_prompts(
    py: Python<'_>,
    fens: &Bound<'_, PyAny>,
    native: bool,
) -> PyResult<Vec<String>> {
    let fens = texts::texts("fens", fens)?;
    calls::run_on(py, Workers::caller(), |workers| {
        let prompt = |(index, fen): (usize, &String)| {
            workers.check()?;
            Ok(policy::prompt(&position_at(index, fen)?, native))
        };
        fens.iter().enumerate().map(prompt).collect()
    })
}

#[doc = doc!("policy_rows")]
#[pyfunction]
#[pyo3(signature = (fens, analyses, numbers, *, seed, native = false))]
pub fn policy_rows(
    py: Python<'_>,
    fens: &Bound<'_, PyAny>,
    analyses: &Bound<'_, PyAny>,
    numbers: &Bound<'_, PyAny>,
    seed: Integer,
    native: bool,
) -> PyResult<(Vec<String>, Vec<String>)> {
    let fens = texts::texts("fens", fens)?;
    let analyses = texts::analyses_for("analyses", analyses, fens.len())?;
    let numbers = texts::numbers_for(numbers, fens.len())?;
    let seed = arguments::seed(seed)?;
    calls::run_on(py, Workers::caller(), |workers| {
        let row = |index: usize| {
            workers.check()?;
            let position = position_at(index, &fens[index])?;
            let analysis = policy::analysis_at(index, &position, &analyses[index])?;
            let completion = policy::completion(&analysis, native, seed, numbers[index]);
            Ok((policy::prompt(&position, native), completion))
        };
        (0..fens.len()).map(row).collect()
    })
}

#[doc = doc!("PolicyScores")]
#[pyclass(frozen, get_all, module = "chess_engine")]
pub struct PolicyScores {
    parsed: Py<PyArray1<bool>>,
    markers: Py<PyArray1<bool>>,
    moves: Py<PyArray1<i32>>,
    evals: Py<PyArray1<i32>>,
    wanted: Py<PyArray1<i32>>,
    counts_equal: Py<PyArray1<bool>>,
    legal: Py<PyArray1<f64>>,
    best_legal: Py<PyArray1<bool>>,
    best_rank: Py<PyArray1<i32>>,
    best_in_listed: Py<PyArray1<bool>>,
    hits: Py<PyArray1<i32>>,
    jaccard: Py<PyArray1<f64>>,
    evals_compared: Py<PyArray1<i32>>,
    eval_error: Py<PyArray1<f64>>,
    eval_sign_errors: Py<PyArray1<i32>>,
    eval_within_one: Py<PyArray1<i32>>,
    eval_closeness: Py<PyArray1<f64>>,
    exact: Py<PyArray1<bool>>,
}

#[doc = doc!("score_policy")]
#[pyfunction]
#[pyo3(signature = (fens, completions, analyses, evaluations = None))]
pub fn score_policy(
    py: Python<'_>,
    fens: &Bound<'_, PyAny>,
    completions: &Bound<'_, PyAny>,
    analyses: &Bound<'_, PyAny>,
    evaluations: Option<&Bound<'_, PyAny>>,
) -> PyResult<PolicyScores> {
    let fens = texts::texts("fens", fens)?;
    let completions = texts::texts_for("completions", completions, fens.len(), "fens")?;
    let analyses = texts::analyses_for("analyses", analyses, fens.len())?;
    let evaluations = match evaluations {
        Some(value) => texts::analyses_for("evaluations", value, fens.len())?,
        None => vec![Vec::new(); fens.len()],
    };
    let scores: Vec<PolicyScore> = calls::run_on(py, Workers::caller(), |workers| {
        let score = |index: usize| {
            workers.check()?;
            let position = position_at(index, &fens[index])?;
            let analysis = policy::analysis_at(index, &position, &analyses[index])?;
            let others = policy::entries_at("evaluations", index, &position, &evaluations[index])?;
            Ok(policy_score::score(
                &position,
                &analysis,
                &others,
                &completions[index],
            ))
        };
        (0..fens.len()).map(score).collect()
    })?;
    Ok(PolicyScores::new(py, &scores))
}

impl PolicyScores {
    fn new(py: Python<'_>, scores: &[PolicyScore]) -> PolicyScores {
        let all = scores.iter();
        PolicyScores {
            parsed: column(py, all.clone().map(|score| score.parsed)),
            markers: column(py, all.clone().map(|score| score.markers)),
            moves: column(py, all.clone().map(|score| score.moves)),
            evals: column(py, all.clone().map(|score| score.evals)),
            wanted: column(py, all.clone().map(|score| score.wanted)),
            counts_equal: column(py, all.clone().map(|score| score.counts_equal)),
            legal: column(py, all.clone().map(|score| score.legal)),
            best_legal: column(py, all.clone().map(|score| score.best_legal)),
            best_rank: column(py, all.clone().map(|score| score.best_rank)),
            best_in_listed: column(py, all.clone().map(|score| score.best_in_listed)),
            hits: column(py, all.clone().map(|score| score.hits)),
            jaccard: column(py, all.clone().map(|score| score.jaccard)),
            evals_compared: column(py, all.clone().map(|score| score.evals_compared)),
            eval_error: column(py, all.clone().map(|score| score.eval_error)),
            eval_sign_errors: column(py, all.clone().map(|score| score.eval_sign_errors)),
            eval_within_one: column(py, all.clone().map(|score| score.eval_within_one)),
            eval_closeness: column(py, all.clone().map(|score| score.eval_closeness)),
            exact: column(py, all.map(|score| score.exact)),
        }
    }
}

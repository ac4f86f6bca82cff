"""Evaluations are compared by what the trials are that they measured."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab_fixtures import wait_until_deserted
from lab_testing import CONFIG, ended, stand_in

from pawn_lab.analysis.compare import Verdict
from pawn_lab.lab import Lab, launching
from pawn_lab.tools.compare import lab_compare
from pawn_lab.tools.results import lab_results

EVAL = {"run_type": "eval", "games": 8, "shard_games": 4, "device": "cpu"}
SEEDS = 3


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lab of two learning rates, three seeds each, and an evaluation of each; never changed."""
    root = tmp_path_factory.mktemp("measured") / "runs"
    with Lab.open(root, trainer=stand_in("study")) as lab:
        for lr in (1e-3, 1e-4):
            launched = launching.launch_group(lab, CONFIG | {"lr": lr}, seeds=SEEDS)
            for trial in launched.trials:
                ended(lab, trial.id)
    with Lab.open(root, trainer=stand_in("measure")) as lab:
        for number in range(1, 2 * SEEDS + 1):
            evaluate(lab, number)
    wait_until_deserted(root)
    return root


@pytest.fixture
def lab(measured: Path, workspace: Path) -> Iterator[Lab]:
    """The lab, to be changed; trials that are added to it are evaluations."""
    shutil.copytree(measured, workspace)
    with Lab.open(workspace, trainer=stand_in("measure")) as lab:
        yield lab


def evaluate(lab: Lab, number: int, **fields) -> int:
    trial = launching.launch(lab, EVAL | {"weights": f"trial:{number}"} | fields)
    return ended(lab, trial.id).id


def test_seeds_of_the_measured_trials_are_seeds_of_a_group(lab):
    answer = lab_compare(lab, trial_ids=list(range(7, 13)))
    assert answer.metric == "legality.legal_rate"
    best, other = answer.groups
    assert (best.setting, best.trial_ids) == ("weights.lr=0.001", [7, 8, 9])
    assert (other.setting, other.trial_ids) == ("weights.lr=0.0001", [10, 11, 12])
    assert other.verdict is Verdict.WORSE
    assert other.paired
    assert other.difference == pytest.approx(-0.01)


def test_a_factor_of_the_measured_trials_is_named_as_theirs_is(lab):
    answer = lab_compare(lab, trial_ids=list(range(7, 13)), factor="lr")
    assert answer.groups[1].verdict is Verdict.WORSE
    answer = lab_compare(lab, trial_ids=list(range(7, 13)), factor="optimizer")
    assert answer.groups[1].verdict is Verdict.NOT_COMPARABLE
    assert "weights.lr" in answer.groups[1].why


def test_evaluations_on_other_games_do_not_compare(lab):
    others = [evaluate(lab, number, games_seed=5) for number in (1, 2, 3)]
    answer = lab_compare(lab, trial_ids=[7, 8, 9, *others], factor="games_seed")
    assert answer.groups[1].verdict is Verdict.NOT_COMPARABLE
    assert "other games (games_seed)" in answer.groups[1].why


def test_results_name_what_each_evaluation_measured(lab):
    rows = lab_results(lab, trial_ids=[7, 8]).rows
    assert sorted((row.trial_id, row.ablation) for row in rows) == [
        (7, "weights=trial:1@1000"),
        (8, "weights=trial:2@1000"),
    ]
    assert [row.best_value for row in rows] == pytest.approx([0.9, 0.9001])


def test_evaluations_are_ranked_by_the_first_that_each_makes(lab):
    number = evaluate(lab, 1, evals=["yardstick", "legality"])
    (row,) = lab_results(lab, trial_ids=[number]).rows
    assert (row.best_value, row.beside["legality.legal_rate"]) == (None, 0.9)
    assert lab_compare(lab, trial_ids=[7, number]).metric == "legality.legal_rate"
    assert lab_compare(lab, trial_ids=[number, 7]).metric == "yardstick.kl"

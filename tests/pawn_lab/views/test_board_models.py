"""Which models the board can hold, and where their weights are."""

import pytest
from boards import add_player, write_weights
from lab_testing import CONFIG, add_ended_trial, write_evaluations

from pawn_core.checkpoint.manifest import checkpoint_name, seal
from pawn_core.config import parse_config
from pawn_core.config.weights import TrialWeights
from pawn_lab.errors import InvalidRequestError, NoCheckpointError, UnknownTrialError
from pawn_lab.lab import Lab
from pawn_lab.views import answered
from pawn_lab.views.board_models import checkpoint_folder


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """Two trials with weights, and one that measures them."""
    with Lab.open(tmp_path_factory.mktemp("board") / "runs") as lab:
        add_player(lab, steps=(100, 200, 300))
        add_ended_trial(lab, parse_config(CONFIG).model_dump(mode="json"))
        weights = {"run_type": "eval", "weights": "trial:1@100"}
        add_ended_trial(lab, parse_config(weights).model_dump(mode="json"))
        write_evaluations(lab, 1, [3.0, 1.0, 2.0])
        yield lab


def test_models_that_predict_moves_are_listed_the_newest_first(lab) -> None:
    answer = answered(lab, "board_models", {})
    assert [listed["id"] for listed in answer["trials"]] == [2, 1]
    assert answer["chosen"] is None
    assert answer["suggested"] == "trial:1@300", "the newer one has saved nothing"


def test_what_a_trial_has_saved_is_told_with_its_best(lab) -> None:
    chosen = answered(lab, "board_models", {"trial_id": "1"})["chosen"]
    assert (chosen["steps"], chosen["best"], chosen["models"]) == ([100, 200, 300], {"": 200}, [""])
    assert answered(lab, "board_models", {"trial_id": "2"})["chosen"]["steps"] == []


@pytest.mark.parametrize(
    ("source", "step"), [("trial:1", 300), ("trial:1@best", 200), ("trial:1@100", 100)]
)
def test_weights_are_found_by_step_newest_or_best(lab, source, step) -> None:
    weights = TrialWeights.parse(source)
    assert weights is not None
    assert checkpoint_folder(lab, weights).name == f"step_{step:08d}"


def test_one_of_several_models_is_named(tmp_path) -> None:
    with Lab.open(tmp_path / "runs") as lab:
        fields = {"run_type": "cotrain", "local_checkpoints": True, "total_steps": 1000}
        config = parse_config(fields).model_dump(mode="json")
        number = add_ended_trial(lab, config)
        step = lab.paths.trial(number).checkpoints / checkpoint_name(200)
        write_weights(step / "small", 200, config)
        seal(step, 200)
        weights = TrialWeights.parse(f"trial:{number}:small")
        assert weights is not None
        assert checkpoint_folder(lab, weights) == step / "small"
        with pytest.raises(InvalidRequestError, match=r"has the models: .*small"):
            checkpoint_folder(lab, TrialWeights(number))


@pytest.mark.parametrize(
    ("source", "refusal", "why"),
    [
        ("trial:1@150", NoCheckpointError, "is not saved; saved: 100, 200, 300"),
        ("trial:2", NoCheckpointError, "saved: nothing yet"),
        ("trial:3", InvalidRequestError, "run_type 'eval', whose models predict no moves"),
        ("trial:1:small", InvalidRequestError, "has the models: one, without a name"),
        ("trial:9", UnknownTrialError, "9"),
    ],
)
def test_weights_that_are_not_there_are_refused_by_what_is(lab, source, refusal, why) -> None:
    weights = TrialWeights.parse(source)
    assert weights is not None
    with pytest.raises(refusal, match=why):
        checkpoint_folder(lab, weights)

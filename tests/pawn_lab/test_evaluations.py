"""Evaluations as trials of a lab, with the real trainer."""

import json

import pytest
from lab_testing import ended

from pawn_lab.errors import TrialStateError
from pawn_lab.lab import Lab, launching, queries, resuming, storing
from pawn_lab.states import State
from pawn_lab.tools.results import lab_results

EVAL = {"run_type": "eval", "games": 8, "shard_games": 2, "device": "cpu"}


@pytest.fixture
def lab(study_copy):
    with Lab.open(study_copy) as lab:
        yield lab


def test_an_evaluation_runs_pauses_and_goes_on_as_a_trial(lab):
    paused = launching.launch(lab, EVAL | {"weights": "trial:3", "pause_after_steps": 1})
    assert paused.config["weights"] == "trial:3@8"
    with pytest.raises(TrialStateError, match="reads trial 3"):
        storing.delete(lab, [3], checkpoints_only=True)
    paused = ended(lab, paused.id)
    assert (paused.state, paused.exit.step) == (State.PAUSED, 1)
    whole = ended(lab, resuming.resume(lab, paused.id).id)
    assert (whole.state, whole.exit.step) == (State.COMPLETED, 4)
    document = json.loads((lab.paths.trial(whole.id).run / "results.json").read_bytes())
    assert document["weights"]["step"] == 8
    figures = {f["name"]: f["value"] for f in document["evaluations"][0]["figures"]}
    (result,) = queries.results(lab, [whole.id])
    assert result.last.metrics["legality.legal_rate"] == figures["legal_rate"]
    assert result.last.metrics["legality.legal_rate_low"] <= figures["legal_rate"]
    answer = lab_results(lab, trial_ids=[whole.id])
    assert answer.rows

"""The views of sweeps: the list, and one with its axes, rungs and points."""

import pytest
from lab_testing import CONFIG, eventually

from pawn_lab.errors import InvalidRequestError, UnknownSweepError
from pawn_lab.lab import Lab, sweeping
from pawn_lab.views import answered

PLAN = {
    "config": CONFIG,
    "arms": [{}, {"mate_boost": 1.0}],
    "space": {"lr": [1e-4, 1e-3]},
    "early_stopping": {"rule": "asha", "first_rung": 300, "factor": 4},
    "hypothesis": "Boosted games need <b>less</b>.",
}


def ended_sweep(lab: Lab, plan: dict) -> int:
    """Run a sweep to its end and return its number."""
    sweep_id = sweeping.start(lab, plan)[0].id
    eventually(lambda: sweeping.get(lab, sweep_id).state != "active", f"end of sweep {sweep_id}")
    return sweep_id


def test_a_sweep_is_shown_with_its_axes_its_rungs_and_why_points_were_stopped(open_lab):
    lab = open_lab("study")
    assert answered(lab, "sweeps", {}) == {"sweeps": []}
    answer = answered(lab, "sweep", {"sweep": str(ended_sweep(lab, PLAN))})
    assert (answer["metric"], answer["better"], answer["unit"]) == ("val_loss", "low", "step")
    assert answer["axes"] == [
        {"field": "mate_boost", "values": [0.0, 1.0]},
        {"field": "lr", "values": [1e-4, 1e-3]},
    ]
    assert answer["rungs"] == [300]
    slow, best, *_ = answer["points"]
    assert (slow["state"], slow["settings"]) == ("stopped", {"mate_boost": 0.0, "lr": 1e-4})
    assert [step for step, _ in slow["values"]] == [300]
    assert slow["why"].endswith("at step 300 is 2. of 2; asha keeps 1")
    assert (best["state"], [step for step, _ in best["values"]]) == ("completed", [300, 1000])
    assert [trial["state"] for trial in best["trials"]] == ["paused", "completed"]
    assert best["why"] is None
    listed = answered(lab, "sweeps", {})["sweeps"][0]
    assert (listed["id"], listed["points"]) == (1, {"stopped": 2, "completed": 2})
    assert listed["best"]["settings"] == {"lr": 1e-3}
    assert listed["varied"] == ["mate_boost", "lr"]


def test_a_sweep_whose_plan_is_of_another_version_is_still_listed(open_lab):
    lab = open_lab("study")
    sweep_id = sweeping.start(lab, {"config": CONFIG, "space": {"lr": [1e-3]}})[0].id
    with lab.database.write() as tx:
        tx.update("sweeps", sweep_id, plan='{"config": {"run_type": "dreaming"}, "dice": 6}')
    assert answered(lab, "sweeps", {})["sweeps"][0]["run_type"] == "dreaming"
    with pytest.raises(InvalidRequestError, match="does not read; its trials are tagged 'sweep-1'"):
        answered(lab, "sweep", {"sweep": sweep_id})


def test_a_sweep_that_is_not_there_is_refused(open_lab):
    lab = open_lab("study")
    with pytest.raises(UnknownSweepError, match="sweep 7 does not exist; the workspace has none"):
        answered(lab, "sweep", {"sweep": 7})
    with pytest.raises(InvalidRequestError, match="needs 'sweep'"):
        answered(lab, "sweep", {})

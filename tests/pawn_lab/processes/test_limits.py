"""The rules by which trials are stopped, each with its evidence."""

import json
from pathlib import Path

import pytest
from lab_testing import CONFIG, ended

from pawn_lab.processes.limits import LOSSES, Divergence
from pawn_lab.tools.launch import lab_launch
from pawn_lab.trials.states import State


def write_losses(metrics: Path, losses: list[float], first: int = 0) -> None:
    records = [{"type": "train", "step": first + n, "loss": x} for n, x in enumerate(losses)]
    with metrics.open("a") as file:
        file.writelines(json.dumps(record) + "\n" for record in records)


@pytest.mark.parametrize(
    "losses",
    [
        [8.0 - 0.05 * n for n in range(120)],
        [2.0] * 100 + [9.0] * (LOSSES - 1) + [2.0] * 50,
        [2.0] * 50 + [3.9] * 200,
        [9.0] * 5,
        [2.0, 9.0] * 100,
    ],
    ids=["falls", "a long spike", "below the factor", "few records", "noise"],
)
def test_a_loss_that_recovers_or_stays_within_the_factor_is_no_divergence(tmp_path, losses):
    write_losses(tmp_path / "m", losses)
    assert Divergence(tmp_path / "m", 2.0).evidence() is None


def test_a_loss_that_climbs_and_stays_is_a_divergence_with_its_numbers(tmp_path):
    rule = Divergence(tmp_path / "m", 2.0)
    write_losses(tmp_path / "m", [2.0] * 50)
    assert rule.evidence() is None
    write_losses(tmp_path / "m", [5.0] * LOSSES, first=50)
    evidence = {"step": 50 + LOSSES - 1, "median_loss": 5.0, "lowest_median": 2.0, "factor": 2.0}
    assert rule.evidence() == evidence


def test_torn_and_strange_lines_are_passed_over(tmp_path):
    rule = Divergence(tmp_path / "m", 2.0)
    lines = b'[1]\n{"type": "train", "loss": null, "step": 1}\n\xff\n{"type"'
    (tmp_path / "m").write_bytes(lines)
    assert rule.evidence() is None
    (tmp_path / "m").write_bytes(b"x" * (3 << 20))
    assert [rule.evidence() for _ in range(4)] == [None] * 4


def test_a_rule_that_is_off_stops_nothing(tmp_path):
    write_losses(tmp_path / "m", [2.0] * 50 + [50.0] * 50)
    assert Divergence(tmp_path / "m", None).evidence() is None


def test_a_diverged_trial_is_stopped_and_its_event_says_by_what(open_lab):
    lab = open_lab("diverge")
    trial = ended(lab, lab.launch(CONFIG).id)
    assert (trial.state, trial.exit.reason) == (State.FAILED, "diverged")
    event = lab.events(limit=1000).events[-1]
    assert event.data["evidence"]["median_loss"] == 7.0
    assert event.data["evidence"]["lowest_median"] == 2.0


def test_a_trial_past_its_hours_is_stopped_and_its_event_says_by_how_much(open_lab):
    lab = open_lab("hang")
    answer = lab_launch(lab, CONFIG, max_hours=0.5 / 3600)
    trial = ended(lab, answer.trial_id)
    assert (trial.state, trial.exit.reason) == (State.FAILED, "wall_clock")
    evidence = lab.events(limit=1000).events[-1].data["evidence"]
    assert evidence["limit_s"] == 0.5
    assert evidence["ran_s"] > 0.5


def test_a_trial_without_progress_is_stopped_and_its_event_says_for_how_long(open_lab):
    lab = open_lab("hang", no_progress_s=0.5)
    trial = ended(lab, lab.launch(CONFIG).id)
    assert (trial.state, trial.exit.reason) == (State.FAILED, "no_progress")
    assert lab.events(limit=1000).events[-1].data["evidence"]["idle_s"] > 0.5


@pytest.mark.parametrize("hours", [0.0, -1.0, float("nan"), 1e9])
def test_hours_out_of_range_are_refused(open_lab, hours):
    lab = open_lab("complete")
    with pytest.raises(ValueError, match=r"max_hours .* is not allowed"):
        lab_launch(lab, CONFIG, max_hours=hours)
    assert lab.trials() == []

"""The rules by which trials are stopped, each with its evidence."""

import pytest
from lab_testing import CONFIG, ended

from pawn_core.phases import Phases
from pawn_lab.lab import launching, queries
from pawn_lab.shim import rules
from pawn_lab.shim.rules import Growth
from pawn_lab.states import State
from pawn_lab.tools.launch import lab_launch
from pawn_lab.trial_paths import TrialPaths


def test_a_diverged_trial_is_stopped_and_its_event_says_by_what(open_lab):
    lab = open_lab("diverge")
    trial = ended(lab, launching.launch(lab, CONFIG).id)
    assert (trial.state, trial.exit.reason) == (State.FAILED, "diverged")
    event = queries.events(lab, limit=1000).events[-1]
    assert event.data["evidence"]["median_loss"] == 7.0
    assert event.data["evidence"]["lowest_median"] == 2.0
    assert "median_loss 7, lowest_median 2, factor 2" in event.message


def test_a_trial_past_its_hours_is_stopped_and_its_event_says_by_how_much(open_lab):
    lab = open_lab("hang")
    answer = lab_launch(lab, CONFIG, max_hours=0.5 / 3600)
    trial = ended(lab, answer.trial_id)
    assert (trial.state, trial.exit.reason) == (State.FAILED, "wall_clock")
    evidence = queries.events(lab, limit=1000).events[-1].data["evidence"]
    assert evidence["limit_s"] == 0.5
    assert evidence["ran_s"] > 0.5


def test_a_trial_without_progress_is_stopped_and_its_event_says_for_how_long(open_lab):
    lab = open_lab("hang", no_progress_s=0.5)
    trial = ended(lab, launching.launch(lab, CONFIG).id)
    assert (trial.state, trial.exit.reason) == (State.FAILED, "no_progress")
    assert queries.events(lab, limit=1000).events[-1].data["evidence"]["idle_s"] > 0.5


def test_word_of_a_long_phase_is_progress_until_it_says_no_more(tmp_path, monkeypatch):
    now = iter(range(100))
    monkeypatch.setattr(rules.time, "monotonic", lambda: float(next(now)))
    paths = TrialPaths(tmp_path)
    paths.run.mkdir()
    growth, phases = Growth(paths), Phases(paths.run)
    assert growth.idle_s() == 1.0
    phases.begin("games")
    begun = growth.idle_s()
    phases.tell("34 %")
    told = growth.idle_s()
    assert (begun, told) == (1.0, 1.0)
    assert [growth.idle_s() for _ in range(3)] == [2.0, 3.0, 4.0]


@pytest.mark.parametrize("hours", [0.0, -1.0, float("nan"), 1e9])
def test_hours_out_of_range_are_refused(open_lab, hours):
    lab = open_lab("complete")
    with pytest.raises(ValueError, match=r"max_hours .* is not allowed"):
        lab_launch(lab, CONFIG, max_hours=hours)
    assert queries.trials(lab) == []

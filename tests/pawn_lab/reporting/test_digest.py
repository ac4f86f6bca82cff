"""The digest: what a hook puts in front of an agent."""

from lab_testing import CONFIG, in_state

from pawn_lab.lab import killing, launching, queries, spending
from pawn_lab.reporting.digest import MOST_CHARACTERS
from pawn_lab.states import State


def test_an_empty_lab_says_so(open_lab):
    assert "no trials yet" in queries.digest(open_lab())


def test_it_names_what_runs_what_waits_and_what_it_costs(open_lab):
    lab = open_lab("gate")
    spending.set_cost(lab, 2.31)
    for _ in range(3):
        launching.launch(lab, CONFIG)
    for trial_id in (1, 2):
        in_state(lab, trial_id, State.RUNNING)
    digest = queries.digest(lab)
    assert "3 trials: 1 queued, 2 running" in digest
    assert "trial 1 running, step 0 of 1000" in digest
    assert "queued, next first: 3" in digest
    assert "at 2.31 an hour" in digest


def test_it_stays_small_whatever_happens(open_lab):
    lab = open_lab("gate")
    for number in range(40):
        launching.launch(lab, CONFIG, hypothesis="h" * 2000, tags=[f"tag {number}"])
    killing.kill(lab, 40, reason="r" * 500)
    assert len(queries.digest(lab)) < MOST_CHARACTERS

"""`next_check_s` is when something is expected to have changed."""

import pytest
from lab_testing import CONFIG, in_state, open_gate

from pawn_lab.tools.check_in import LATEST_S, SOONEST_S, UNKNOWN_S, interval, next_check
from pawn_lab.trials.states import State


def test_an_idle_lab_needs_no_check(open_lab):
    assert next_check(open_lab()) is None


def test_a_trial_of_unknown_speed_is_looked_at_soon(open_lab):
    lab = open_lab("gate")
    trial = lab.launch(CONFIG)
    in_state(lab, trial.id, State.RUNNING)
    assert next_check(lab) == UNKNOWN_S
    open_gate(lab, trial.id)


@pytest.mark.parametrize(
    ("etas", "seconds"),
    [
        ([400.0, 90.4, None], 90),
        ([0.0], SOONEST_S),
        ([1e6, 1e7], LATEST_S),
        ([None], UNKNOWN_S),
    ],
)
def test_the_interval_is_the_first_expected_end_within_bounds(etas, seconds):
    assert interval(etas) == seconds

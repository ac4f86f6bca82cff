"""How far a run is, in words."""

import pytest

from pawn_core.training import console
from pawn_core.training.console import Pace


@pytest.fixture
def clock(monkeypatch):
    """A clock that a test moves."""
    now = [1000.0]
    monkeypatch.setattr(console.time, "monotonic", lambda: now[0])
    return now


def test_the_time_left_leaves_out_the_first_step_and_what_it_compiles(clock):
    pace = Pace(200)
    assert pace.described(0) == "step 0/200"
    clock[0] += 600
    pace.advance(1)
    assert pace.described(1) == "step 1/200"
    clock[0] += 99 * 3
    pace.advance(100)
    assert pace.described(100, " train loss 3.1") == "step 100/200 train loss 3.1, 0:05:00 left"
    assert pace.described(200) == "step 200/200"


def test_a_resumed_run_is_timed_from_where_it_went_on(clock):
    pace = Pace(2000)
    pace.advance(1001)
    clock[0] += 10
    assert pace.described(1011) == "step 1011/2000, 0:16:29 left"


def test_silence_is_broken_after_half_a_minute(clock):
    pace = Pace(10)
    assert not pace.quiet_too_long()
    clock[0] += 31
    assert pace.quiet_too_long()
    pace.spoke()
    assert not pace.quiet_too_long()

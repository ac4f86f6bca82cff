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
    assert pace.position(0) == "0 of 200"
    clock[0] += 600
    pace.advance(1)
    assert pace.position(1) == "1 of 200"
    clock[0] += 99 * 3
    pace.advance(100)
    assert pace.position(100) == "100 of 200 (0:05:00 left)"
    assert pace.position(200) == "200 of 200"


def test_a_resumed_run_is_timed_from_where_it_went_on(clock):
    pace = Pace(2000)
    pace.advance(1001)
    clock[0] += 10
    assert pace.position(1011) == "1011 of 2000 (0:16:29 left)"


def test_silence_is_broken_after_half_a_minute(clock):
    pace = Pace(10)
    assert not pace.quiet_too_long()
    clock[0] += 31
    assert pace.quiet_too_long()
    pace.position(1)
    assert not pace.quiet_too_long()

"""Cost: the integral of the rate over the device-time held."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pawn_lab import errors
from pawn_lab.paths import WorkspacePaths
from pawn_lab.reporting import cost
from pawn_lab.reporting.cost import _integral
from pawn_lab.store import Database, leases, trials

HOUR = 3600.0


def rate(since: float, cost_per_hour: float, devices: int = 1) -> dict:
    return {"since": since, "cost_per_hour": cost_per_hour, "devices": devices}


def test_a_device_costs_its_share_of_the_machine():
    assert _integral([rate(0, 3.0, devices=3)], HOUR, 3 * HOUR) == pytest.approx(2.0)


def test_a_change_of_rate_counts_from_when_it_was_made():
    history = [rate(0, 1.0), rate(2 * HOUR, 10.0)]
    assert _integral(history, HOUR, 3 * HOUR) == pytest.approx(1.0 + 10.0)


def test_time_before_the_first_rate_costs_nothing():
    assert _integral([rate(HOUR, 1.0)], 0, 2 * HOUR) == pytest.approx(1.0)
    assert _integral([], 0, HOUR) == 0


@given(
    st.lists(st.tuples(st.floats(0, 1e6), st.floats(0, 100)), max_size=6),
    st.lists(st.floats(0, 1e6), min_size=3, max_size=3),
)
def test_cost_adds_up_over_adjoining_times_and_is_never_negative(rates, times):
    history = [rate(since, price) for since, price in sorted(rates)]
    start, middle, stop = sorted(times)
    parts = _integral(history, start, middle) + _integral(history, middle, stop)
    assert _integral(history, start, stop) == pytest.approx(parts)
    assert parts >= 0


def test_the_report_survives_a_restart_and_names_unpriced_time(tmp_path: Path):
    paths = WorkspacePaths(tmp_path)
    database = Database.open(paths)
    with database.write() as tx:
        row = {"config": {}, "tags": [], "trainer": [], "limits": {}, "request_hash": ""}
        trial_id = trials.insert(tx, "queued", priority=0, **row)
        cost.set_rate(tx, 4.0, device_count=2)
        tx.insert("leases", device="a", trial_id=trial_id, start=tx.now - HOUR, stop=tx.now + HOUR)
    database.close()
    with Database.open(paths).read() as tx:
        report = cost.report(tx, 2)
    assert report.total == pytest.approx(2.0)
    assert report.by_trial == {trial_id: pytest.approx(2.0)}
    assert report.device_hours == pytest.approx(2.0)
    assert report.unpriced_device_hours == pytest.approx(1.0)


def test_a_held_device_costs_until_now(tmp_path: Path):
    database = Database.open(WorkspacePaths(tmp_path))
    with database.write() as tx:
        row = {"config": {}, "tags": [], "trainer": [], "limits": {}, "request_hash": ""}
        trial_id = trials.insert(tx, "queued", priority=0, **row)
        cost.set_rate(tx, 4.0, device_count=2)
        leases.acquire(tx, "a", trial_id)
        tx.now += HOUR
        assert cost.by_trial(tx, leases.history(tx)) == {trial_id: pytest.approx(2.0)}


@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf"), 1e9])
def test_a_rate_that_is_no_price_is_refused(tmp_path: Path, value):
    database = Database.open(WorkspacePaths(tmp_path))
    with pytest.raises(errors.InvalidRequestError, match="cost_per_hour"), database.write() as tx:
        cost.set_rate(tx, value, 1)

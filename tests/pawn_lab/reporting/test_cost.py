"""Cost: the integral of the rate over the device-time held."""

import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pawn_lab import errors
from pawn_lab.paths import WorkspacePaths
from pawn_lab.reporting import cost
from pawn_lab.reporting.cost import _integral
from pawn_lab.store import Database, leases, prices, trials
from pawn_lab.store import database as database_module
from pawn_lab.store.rows import RateRow

HOUR = 3600.0


def rate(since: float, cost_per_hour: float, devices: int = 1) -> RateRow:
    return RateRow(since, cost_per_hour, devices, boot=None, uptime=None)


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


def about(hours: float, total: float) -> tuple:
    """Return both, give or take the seconds that a test takes."""
    return pytest.approx(hours, abs=0.02), pytest.approx(total, abs=0.2)


def machine_after(database: Database, hours: float = 0.0):
    """Return the machine's clock once so many hours have passed since every rate was set."""
    with database.write() as tx:
        tx.execute("UPDATE rates SET since = since - ?, uptime = uptime - ?", *[hours * HOUR] * 2)
        return cost.machine(tx)


@pytest.fixture
def database(tmp_path: Path):
    database = Database.open(WorkspacePaths(tmp_path))
    yield database
    database.close()


def price(database: Database, cost_per_hour: float) -> None:
    with database.write() as tx:
        cost.set_rate(tx, cost_per_hour, device_count=2)


def test_the_machine_costs_from_its_first_price_on_whether_anything_runs_or_not(database):
    assert machine_after(database) is None
    price(database, 4.0)
    machine = machine_after(database, 3.0)
    assert (machine.hours, machine.total) == about(3.0, 12.0)
    assert machine.idle_share == 1.0


def test_the_machine_s_clock_adds_up_over_changes_of_its_price(database):
    for cost_per_hour, hours in [(4.0, 3.0), (10.0, 1.0), (0.0, 5.0)]:
        price(database, cost_per_hour)
        machine_after(database, hours)
    machine = machine_after(database)
    assert (machine.hours, machine.total) == about(9.0, 22.0)


def test_the_idle_share_is_of_the_device_time_that_no_trial_held(database):
    price(database, 4.0)
    with database.write() as tx:
        row = {"config": {}, "tags": [], "trainer": [], "limits": {}, "request_hash": ""}
        trial_id = trials.insert(tx, "queued", priority=0, **row)
        times = {"start": tx.now - 5 * HOUR, "stop": tx.now - 3 * HOUR}
        tx.insert("leases", device="a", trial_id=trial_id, **times)
    assert machine_after(database, 4.0).idle_share == pytest.approx(1 - 1 / 8, abs=0.01)


@pytest.mark.parametrize("years", [10, -10])
def test_a_wall_clock_that_jumps_leaves_the_machine_s_clock_alone(database, monkeypatch, years):
    price(database, 4.0)
    machine_after(database, 1.0)
    jumped = SimpleNamespace(time=lambda: time.time() + years * 365.25 * 24 * HOUR)
    monkeypatch.setattr(database_module, "time", jumped)
    price(database, 8.0)
    with database.read() as tx:
        machine = cost.machine(tx)
    assert (machine.hours, machine.total) == about(1.0, 4.0)


def test_a_boot_in_between_counts_by_the_wall_clock_and_the_next_one_by_uptime(
    database, monkeypatch
):
    price(database, 4.0)
    machine_after(database, 2.0)
    monkeypatch.setattr(cost.clock, "boot_id", lambda: "another boot")
    monkeypatch.setattr(cost.clock, "uptime_s", lambda: 60.0)
    with database.write() as tx:
        cost.follow_boot(tx)
        cost.follow_boot(tx)
    monkeypatch.setattr(cost.clock, "uptime_s", lambda: 60.0 + 3 * HOUR)
    with database.read() as tx:
        machine = cost.machine(tx)
        assert len(prices.rates(tx)) == 2
    assert (machine.hours, machine.total) == about(5.0, 20.0)


def test_the_machine_s_clock_survives_a_restart(tmp_path, database):
    price(database, 4.0)
    before = machine_after(database, 2.0)
    with Database.open(WorkspacePaths(tmp_path)).read() as tx:
        assert cost.machine(tx).total == pytest.approx(before.total, abs=0.01)

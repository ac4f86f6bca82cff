"""Clocks that jump, back and forth, between any two transactions: no duration is negative."""

import random
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from lab_testing import CONFIG, ended, in_state, open_gate

from pawn_lab import clock as clock_module
from pawn_lab.lab import launching, spending
from pawn_lab.paths import WorkspacePaths
from pawn_lab.reporting import cost
from pawn_lab.states import State
from pawn_lab.store import Database, leases, trials
from pawn_lab.store import transaction as transaction_module

HOUR_S, DAY_S = 3_600.0, 86_400.0
YEAR_S = 365.25 * DAY_S
STEPS = (State.LAUNCHING, State.RUNNING, State.COMPLETED)


class Clock:
    """A clock that jumps by up to a month at every look."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._now = 1.7e9

    def time(self) -> float:
        """Return the seconds since 1970, as it thinks."""
        self._now += self._rng.choice((0.0, 1.0, DAY_S, -DAY_S, self._rng.gauss(0, 30 * DAY_S)))
        return self._now


def live(database: Database, clock: Clock, rng: random.Random) -> None:
    """Let a few trials live on two devices while the price of the machine changes."""
    needed = {"config": {}, "tags": [], "trainer": [], "limits": {}, "request_hash": ""}
    for _ in range(2):
        with database.write() as tx:
            running = [trials.insert(tx, "queued", priority=0, **needed) for _ in range(2)]
        for state in STEPS:
            for trial_id in rng.sample(running, 2):
                with database.write() as tx:
                    if rng.random() < 0.3:
                        cost.set_rate(tx, rng.uniform(0, 9), device_count=2)
                    step(tx, trials.get(tx, trial_id), state, clock)
                check(database)


def step(tx, trial, state: State, clock: Clock) -> None:
    """Move a trial on, with the times that another process's clock gave."""
    changes = {State.RUNNING: {"started_at"}, State.COMPLETED: {"ended_at"}}.get(state, set())
    if state is State.LAUNCHING:
        leases.acquire(tx, f"cpu:{trial.id % 2}", trial.id)
    trials.move(tx, trial, state, state, **dict.fromkeys(changes, clock.time()))


def check(database: Database) -> None:
    """Check every duration, cost and history there is."""
    with database.read() as tx:
        for trial in trials.select(tx, [State.COMPLETED]):
            assert trial.ended_at >= trial.started_at
        assert all(lease.stop is None or lease.stop >= lease.start for lease in leases.history(tx))
        report = cost.report(tx, 2)
        assert all(spent >= 0 for spent in report.by_trial.values())
        assert report.total >= 0
        assert report.device_hours >= report.unpriced_device_hours >= 0
        assert [row["seq"] for row in tx.rows("SELECT seq FROM events ORDER BY seq")] == list(
            range(1, tx.value("SELECT count(*) FROM events") + 1)
        )


def check_history(workspace: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """Live through one history of jumps."""
    rng = random.Random(seed)
    print(f"seed {seed}")
    clock = Clock(rng)
    monkeypatch.setattr(transaction_module, "time", SimpleNamespace(time=clock.time))
    database = Database.open(WorkspacePaths(workspace / str(seed)))
    live(database, clock, rng)
    database.close()


def test_no_duration_is_negative_however_the_clock_jumps(tmp_path, monkeypatch):
    for seed in range(20):
        check_history(tmp_path, monkeypatch, seed)


@pytest.mark.slow
def test_no_duration_is_negative_however_the_clock_jumps_many_times(tmp_path, monkeypatch):
    for seed in range(200):
        check_history(tmp_path, monkeypatch, seed)


class SetClock:
    """A machine's uptime, and a wall clock that can be set."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.uptime, self.wall = 1000.0, 1.7e9
        monkeypatch.setattr(clock_module, "uptime_s", lambda: self.uptime)
        monkeypatch.setattr(transaction_module, "time", SimpleNamespace(time=lambda: self.wall))

    def passes(self, hours: float) -> None:
        """Let time go by."""
        self.uptime += hours * HOUR_S
        self.wall += hours * HOUR_S


@pytest.mark.parametrize("jumps", [(10,), (-10,), (10, -10), (-10, 10)])
def test_a_clock_that_is_set_by_years_books_the_hours_that_were_held(tmp_path, monkeypatch, jumps):
    database, clock = Database.open(WorkspacePaths(tmp_path / "lab")), SetClock(monkeypatch)

    def booked() -> tuple[float, float, float]:
        with database.read() as tx:
            report = cost.report(tx, 1)
        return report.device_hours, report.total, report.unpriced_device_hours

    needed = {"config": {}, "tags": [], "trainer": [], "limits": {}, "request_hash": ""}
    with database.write() as tx:
        cost.set_rate(tx, 4.0, device_count=1)
        trial_id = trials.insert(tx, "queued", priority=0, **needed)
        leases.acquire(tx, "cpu:0", trial_id)
        row = trials.move(tx, trials.get(tx, trial_id), State.LAUNCHING, "launching")
        trials.move(tx, row, State.RUNNING, "running", started_at=tx.now)
    started = clock_module.Moment.at(clock.wall)
    for hours, jump in enumerate(jumps, 1):
        clock.passes(1.0)
        clock.wall += jump * YEAR_S
        assert booked() == pytest.approx((hours, 4.0 * hours, 0.0))
    ended = clock_module.Moment.at(clock.wall)
    clock.passes(5.0)  # nobody looks meanwhile
    with database.write() as tx:
        times = {"started_at": started.seen_from(tx.moment), "ended_at": ended.seen_from(tx.moment)}
        trials.move(tx, trials.get(tx, trial_id), State.COMPLETED, "completed", **times)
    with database.read() as tx:
        trial = trials.get(tx, trial_id)
    assert trial.ended_at - trial.started_at == pytest.approx(len(jumps) * HOUR_S)
    for jump in (0, 10, -20):
        clock.wall += jump * YEAR_S
        assert booked() == pytest.approx((len(jumps), 4.0 * len(jumps), 0.0))


def test_a_trial_amid_which_the_clock_was_set_has_the_length_that_its_shim_measured(
    open_lab, monkeypatch
):
    lab = open_lab("gate")
    spending.set_cost(lab, 1.0)
    trial_id = launching.launch(lab, CONFIG).id
    in_state(lab, trial_id, State.RUNNING)
    years_on = SimpleNamespace(time=lambda: time.time() + 10 * YEAR_S)
    monkeypatch.setattr(transaction_module, "time", years_on)
    assert spending.cost(lab).device_hours < 1.0
    open_gate(lab, trial_id)
    trial = ended(lab, trial_id)
    assert trial.ended_at - trial.started_at == pytest.approx(trial.exit.duration_s, abs=2.0)
    monkeypatch.undo()
    assert spending.cost(lab).device_hours < 1.0

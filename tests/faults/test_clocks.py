"""Clocks that jump, back and forth, between any two transactions: no duration is negative."""

import random
from pathlib import Path
from types import SimpleNamespace

import pytest

from pawn_lab.paths import WorkspacePaths
from pawn_lab.reporting import cost
from pawn_lab.store import Database, leases, trials
from pawn_lab.store import transaction as transaction_module
from pawn_lab.trials.states import State

DAY_S = 86_400.0
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
        leases.acquire(tx, f"cpu:{trial['id'] % 2}", trial["id"])
    trials.move(tx, trial, state, state, **dict.fromkeys(changes, clock.time()))


def check(database: Database) -> None:
    """Check every duration, cost and history there is."""
    with database.read() as tx:
        for trial in trials.select(tx, [State.COMPLETED]):
            assert trial["ended_at"] >= trial["started_at"]
        assert all(
            lease["stop"] is None or lease["stop"] >= lease["start"] for lease in leases.history(tx)
        )
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

"""Rows as the rest of the lab holds them: typed, complete, unchangeable."""

from dataclasses import FrozenInstanceError, fields

import pytest
from lab_testing import CONFIG

from pawn_core.config import parse_config
from pawn_lab.paths import WorkspacePaths
from pawn_lab.records import Exit
from pawn_lab.states import State
from pawn_lab.store import Database, SweepPointRow, SweepRow, TrialRow, events, sweeps, trials

UNREAD = {"trials": {"stop_rule"}}
"""Columns that nothing reads any more."""


@pytest.fixture
def database(tmp_path):
    database = Database.open(WorkspacePaths(tmp_path))
    yield database
    database.close()


def queued(tx, **config):
    columns = {"config": parse_config(CONFIG | config).model_dump(mode="json"), "tags": ["t"]}
    columns |= {"trainer": ["run"], "limits": {"grace_s": 1.5}, "request_hash": ""}
    return trials.get(tx, trials.insert(tx, "queued", priority=3, **columns))


@pytest.mark.parametrize(
    ("table", "kind"), [("trials", TrialRow), ("sweeps", SweepRow), ("sweep_points", SweepPointRow)]
)
def test_a_row_has_every_column_of_its_table(database, table, kind):
    with database.read() as tx:
        columns = {row["name"] for row in tx.rows(f"SELECT name FROM pragma_table_info('{table}')")}
    assert {field.name for field in fields(kind)} == columns - UNREAD.get(table, set())


def test_a_row_holds_what_was_inserted_and_nothing_that_was_not(database):
    with database.write() as tx:
        row = queued(tx, lr=0.01)
    assert (row.state, row.priority, row.tags, row.trainer) == (State.QUEUED, 3, ["t"], ["run"])
    assert (row.config["lr"], row.limits) == (0.01, {"grace_s": 1.5})
    assert (row.token, row.exit, row.sweep, row.archived_at) == (None, None, None, None)


def test_a_row_cannot_be_changed(database):
    with database.write() as tx:
        row = queued(tx)
    with pytest.raises(FrozenInstanceError):
        row.state = State.RUNNING
    with pytest.raises((AttributeError, TypeError)):
        object.__setattr__(row, "stat", State.RUNNING)  # no field of that name: rows have slots


def test_a_move_returns_the_row_that_is_read_afterwards_and_leaves_the_old_one(database):
    how = Exit(code=0, signal=None, reason="completed", message="done", evidence={"step": 5})
    with database.write() as tx:
        row = queued(tx)
        launching = trials.move(tx, row, State.LAUNCHING, "launching", token="a", attempts=1)
        running = trials.move(tx, launching, State.RUNNING, "running", started_at=tx.now)
        ended = trials.move(tx, running, State.COMPLETED, "completed", exit=how)
        assert ended == trials.get(tx, row.id)
        assert [event.kind for event in events.latest(tx, 9)][-1] == "completed"
    assert (row.state, launching.state, ended.exit) == (State.QUEUED, State.LAUNCHING, how)
    assert (row.token, ended.held_token, ended.attempts) == (None, "a", 1)


def test_only_a_trial_that_was_launched_has_a_token(database):
    with database.write() as tx:
        row = queued(tx)
    with pytest.raises(AssertionError, match="trial 1 is queued and has no token"):
        _ = row.held_token


def test_rows_of_one_config_share_what_it_comes_to(database):
    with database.write() as tx:
        first, again, other = queued(tx), queued(tx), queued(tx, lr=0.5)
    assert first.config is again.config
    assert first.config.parsed is again.config.parsed
    assert other.config is not first.config


def test_the_points_of_a_sweep_are_rows_too(database):
    with database.write() as tx:
        columns = {"plan": {"config": CONFIG}, "trainer": [], "limits": {}, "request_hash": ""}
        sweep = sweeps.get(tx, sweeps.insert(tx, "grid", idempotency_key="k", **columns))
        sweeps.add_points(tx, sweep.id, [(0, 1, {"lr": 0.5})])
        (point,) = sweeps.points(tx, sweep.id)
        assert sweeps.by_key(tx, "k") == sweep
    assert (sweep.state, sweep.plan) == (sweeps.ACTIVE, {"config": CONFIG})
    assert (point.number, point.arm, point.overrides, point.value) == (0, 1, {"lr": 0.5}, None)

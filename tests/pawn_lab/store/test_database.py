"""The state database: refused or migrated, never overwritten; changes are all or nothing."""

import os
import subprocess
import sys
from pathlib import Path

import apsw
import pytest

from pawn_lab import errors
from pawn_lab.paths import WorkspacePaths
from pawn_lab.reporting import cost
from pawn_lab.scheduling import budget
from pawn_lab.states import State
from pawn_lab.store import Database, Transaction, events, leases, trials
from pawn_lab.store.connection import check_sqlite_version
from pawn_lab.store.schema import APPLICATION_ID, MIGRATIONS, SCHEMA_VERSION


@pytest.fixture
def paths(tmp_path: Path) -> WorkspacePaths:
    return WorkspacePaths(tmp_path / "workspace")


@pytest.fixture
def database(paths: WorkspacePaths) -> Database:
    return Database.open(paths)


def queue_trial(tx: Transaction, **columns: object) -> int:
    needed = {"config": {}, "tags": [], "trainer": [], "limits": {}, "request_hash": ""}
    return trials.insert(tx, "queued", priority=0, **needed | columns)


def filled(paths: WorkspacePaths) -> bytes:
    """Make a database with a trial and its folder; return the file's bytes."""
    database = Database.open(paths)
    with database.write() as tx:
        for _ in range(50):
            queue_trial(tx, hypothesis="h" * 1000)
    database.close()
    paths.trial(1).root.mkdir(parents=True)
    return paths.database.read_bytes()


def test_a_missing_workspace_is_created(paths):
    Database.open(paths).close()
    assert paths.database.exists()


def test_commits_are_durable_and_shared(paths, database):
    with database.read() as tx:
        assert tx.value("PRAGMA journal_mode") == "wal"
        assert tx.value("PRAGMA synchronous") == 2  # FULL: NORMAL loses commits at power loss


@pytest.mark.parametrize("damage", ["garbage", "truncated to half", "truncated to a few bytes"])
def test_a_damaged_database_is_set_aside_byte_for_byte(paths, damage):
    whole = filled(paths)
    damaged = {
        "garbage": os.urandom(len(whole)),
        "truncated to half": whole[: len(whole) // 2],
        "truncated to a few bytes": whole[:60],
    }[damage]
    paths.database.write_bytes(damaged)
    with pytest.raises(errors.StateUnreadableError, match=r"set aside as lab\.db\.unreadable-1"):
        Database.open(paths)
    assert (paths.root / "lab.db.unreadable-1").read_bytes() == damaged
    with pytest.raises(errors.StateUnreadableError, match="missing or empty while"):
        Database.open(paths)


def test_damaged_pages_are_found_at_the_start(paths):
    whole = bytearray(filled(paths))
    whole[4096:8192] = os.urandom(4096)
    paths.database.write_bytes(whole)
    with pytest.raises(errors.StateUnreadableError, match="set aside"):
        Database.open(paths)
    assert (paths.root / "lab.db.unreadable-1").read_bytes() == bytes(whole)


@pytest.mark.parametrize("content", [None, b""])
def test_a_missing_or_empty_database_beside_trials_is_refused(paths, content):
    filled(paths)
    paths.database.unlink()
    if content is not None:
        paths.database.write_bytes(content)
    with pytest.raises(errors.StateUnreadableError, match="restore the database from a backup"):
        Database.open(paths)


@pytest.mark.parametrize("version", range(1, SCHEMA_VERSION))
def test_an_older_database_is_brought_up_to_date_with_its_trials(paths, version):
    paths.root.mkdir()
    connection = apsw.Connection(str(paths.database))
    for step in MIGRATIONS[:version]:
        connection.execute(step)
    connection.pragma("application_id", APPLICATION_ID)
    connection.pragma("user_version", version)
    with connection:
        queue_trial(Transaction(connection), hypothesis="kept")
    connection.close()
    with Database.open(paths).read() as tx:
        (trial,) = trials.select(tx)
        assert trials.holds(tx) == []
    assert (trial.hypothesis, trial.leader, trial.sweep) == ("kept", None, None)
    assert trial.on_hold is False


def test_an_older_budget_goes_on_to_count_device_time_and_an_older_price_to_count(paths):
    paths.root.mkdir()
    connection = apsw.Connection(str(paths.database))
    for step in MIGRATIONS[:2]:
        connection.execute(step)
    connection.pragma("application_id", APPLICATION_ID)
    connection.pragma("user_version", 2)
    tx = Transaction(connection)
    with connection:
        tx.insert("rates", since=tx.now - 7200, cost_per_hour=3.0, devices=2)
        tx.insert("budgets", since=tx.now, budget=9.0)
    connection.close()
    with Database.open(paths).write() as tx:
        cost.follow_boot(tx)
        assert budget.report(tx).basis == "device_time"
        assert cost.machine(tx).total == pytest.approx(6.0, abs=0.01)


def test_a_newer_database_is_refused_and_left_alone(paths):
    filled(paths)
    connection = apsw.Connection(str(paths.database))
    connection.pragma("user_version", SCHEMA_VERSION + 1)
    connection.close()
    before = paths.database.read_bytes()
    with pytest.raises(errors.StateVersionError, match="upgrade pawn-lab"):
        Database.open(paths)
    assert paths.database.read_bytes() == before


def test_a_database_of_something_else_is_refused_and_left_alone(paths):
    paths.root.mkdir()
    connection = apsw.Connection(str(paths.database))
    connection.execute("CREATE TABLE mine (x)")
    connection.close()
    before = paths.database.read_bytes()
    with pytest.raises(errors.StateVersionError, match="not a database of this lab"):
        Database.open(paths)
    assert paths.database.read_bytes() == before


def test_a_database_whose_creation_was_interrupted_is_completed(paths):
    paths.root.mkdir()
    connection = apsw.Connection(str(paths.database))
    connection.pragma("journal_mode", "WAL")
    connection.close()
    Database.open(paths).close()


def test_a_file_in_the_place_of_the_workspace_is_refused(paths):
    paths.root.write_text("not a folder")
    with pytest.raises(errors.WorkspaceNotWritableError, match="name another with PAWN_WORKSPACE"):
        Database.open(paths)


@pytest.mark.parametrize("target", ["folder", "database"])
def test_a_workspace_that_is_not_writable_is_refused(paths, target):
    """Opened by a process without rights, since a test may run as root."""
    filled(paths)
    paths.open_lock.chmod(0o666)
    paths.database.chmod(0o444)
    paths.root.chmod(0o555 if target == "folder" else 0o777)
    for folder in paths.root.parents[:3]:
        folder.chmod(0o755)
    before = paths.database.read_bytes()
    code = f"""
import sys
from pathlib import Path
from pawn_lab.errors import WorkspaceNotWritableError
from pawn_lab.paths import WorkspacePaths
from pawn_lab.store import Database
import os
if os.getuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
try:
    Database.open(WorkspacePaths(Path({str(paths.root)!r})))
except WorkspaceNotWritableError as error:
    sys.exit("PAWN_WORKSPACE" not in str(error))
sys.exit(2)
"""
    tried = subprocess.run([sys.executable, "-c", code], check=False)
    paths.root.chmod(0o755)
    assert tried.returncode == 0
    assert paths.database.read_bytes() == before


def test_an_old_sqlite_is_refused():
    check_sqlite_version("3.51.3")
    with pytest.raises(errors.SqliteVersionError, match=r"SQLite 3\.51\.2 can corrupt"):
        check_sqlite_version("3.51.2")


def test_a_failed_change_leaves_neither_state_nor_event(database):
    with pytest.raises(TypeError), database.write() as tx:
        queue_trial(tx, tags=queue_trial(tx) and {"a set is not JSON"})
    with database.read() as tx:
        assert trials.select(tx) == []
        assert events.page(tx, 0, 10).events == []


def test_an_illegal_change_of_state_changes_nothing(database):
    with database.write() as tx:
        trial_id = queue_trial(tx)
    with (
        pytest.raises(errors.IllegalTransitionError, match="from queued to completed"),
        database.write() as tx,
    ):
        trials.move(tx, trials.get(tx, trial_id), State.COMPLETED, "done")
    with database.read() as tx:
        assert trials.get(tx, trial_id).state == State.QUEUED
        assert len(events.page(tx, 0, 10).events) == 1


def test_the_database_refuses_a_second_live_trial_on_a_device(database):
    with database.write() as tx:
        queue_trial(tx)
        queue_trial(tx)
        leases.acquire(tx, "cpu:0", 1)
    with pytest.raises(apsw.ConstraintError), database.write() as tx:
        leases.acquire(tx, "cpu:0", 2)
    with database.write() as tx:
        leases.release(tx, 1, tx.now)
        leases.acquire(tx, "cpu:0", 2)


def test_a_clock_that_goes_backwards_makes_no_negative_time(database):
    with database.write() as tx:
        queue_trial(tx)
        leases.acquire(tx, "cpu:0", 1)
    with database.write() as tx:
        leases.release(tx, 1, tx.now - 1e6)
        (lease,) = leases.history(tx)
        assert lease.stop == lease.start


def test_a_database_held_by_another_process_is_reported_busy(paths, database, monkeypatch):
    monkeypatch.setattr("pawn_lab.store.connection.BUSY_TIMEOUT_MS", 50)
    impatient = Database.open(paths)
    with (
        database.write(),
        pytest.raises(errors.StateBusyError, match="busy"),
        impatient.write(),
    ):
        pass

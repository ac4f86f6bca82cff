"""Opening, checking and changing the state database."""

import contextlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw

from pawn_core.durable import sync_file
from pawn_lab import failpoints
from pawn_lab.errors import (
    SqliteVersionError,
    StateBusyError,
    StateUnreadableError,
    StateVersionError,
    WorkspaceNotWritableError,
)
from pawn_lab.paths import WorkspacePaths
from pawn_lab.processes.locks import locked
from pawn_lab.store.schema import APPLICATION_ID, MIGRATIONS, SCHEMA_VERSION

MINIMUM_SQLITE = (3, 51, 3)
"""Earlier versions can corrupt a write-ahead log that two connections write at once."""

BUSY_TIMEOUT_MS = 10_000

LARGEST_ID = 2**63 - 1
"""SQLite's integers have 64 bits."""

_DAMAGED = (apsw.NotADBError, apsw.CorruptError)

Row = dict[str, Any]


class Transaction:
    """One view of the database, or one all-or-nothing change of it."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self.now = time.time()
        self.edges: list[str] = []

    def rows(self, sql: str, *parameters: Any) -> list[Row]:
        """Return the rows of a statement as dictionaries."""
        cursor = self._connection.execute(sql, parameters)
        try:
            names = [column[0] for column in cursor.get_description()]
        except apsw.ExecutionCompleteError:  # there is no row
            return []
        return [dict(zip(names, row, strict=True)) for row in cursor]

    def value(self, sql: str, *parameters: Any) -> Any:
        """Return the only column of the only row, or None."""
        return self._connection.execute(sql, parameters).get

    def execute(self, sql: str, *parameters: Any) -> None:
        """Run a statement that returns nothing."""
        self._connection.execute(sql, parameters)

    def insert(self, table: str, **columns: Any) -> int:
        """Insert a row and return its id."""
        names, marks = ", ".join(columns), ", ".join("?" * len(columns))
        self._connection.execute(
            f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(columns.values())
        )
        return self._connection.last_insert_rowid()

    def update(self, table: str, row_id: int, **columns: Any) -> None:
        """Change columns of the row with that id."""
        assignments = ", ".join(f"{name} = ?" for name in columns)
        self._connection.execute(
            f"UPDATE {table} SET {assignments} WHERE id = ?", (*columns.values(), row_id)
        )


class Database:
    """The state database of a workspace, open. Safe to use from several threads."""

    def __init__(self, connection: apsw.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path
        self._lock = threading.RLock()

    @classmethod
    def open(cls, paths: WorkspacePaths) -> "Database":
        """Open the database of a workspace, creating both where there is nothing yet.

        Raises:
            WorkspaceNotWritableError, StateUnreadableError, StateVersionError,
            StateBusyError, SqliteVersionError: see pawn_lab.errors.
        """
        check_sqlite_version(apsw.sqlite_lib_version())
        try:
            paths.root.mkdir(parents=True, exist_ok=True)
            with locked(paths.open_lock):
                return cls(_open_checked(paths), paths.database)
        except TimeoutError as error:
            raise StateBusyError(str(error)) from error
        except (OSError, apsw.CantOpenError, apsw.ReadOnlyError) as error:
            if isinstance(error, StateUnreadableError | StateVersionError):
                raise
            raise WorkspaceNotWritableError(
                f"workspace '{paths.root}' cannot be written ({error}); "
                "make it writable, or name another with PAWN_WORKSPACE"
            ) from error

    @contextlib.contextmanager
    def write(self) -> Iterator[Transaction]:
        """Change the database in one transaction; an exception leaves it untouched."""
        with self._transaction("BEGIN IMMEDIATE") as transaction:
            yield transaction

    @contextlib.contextmanager
    def read(self) -> Iterator[Transaction]:
        """Read one consistent view of the database."""
        with self._transaction("BEGIN") as transaction:
            yield transaction

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._connection.close()

    @contextlib.contextmanager
    def _transaction(self, begin: str) -> Iterator[Transaction]:
        with self._lock, _translated(self._path):
            self._connection.execute(begin)
            try:
                transaction = Transaction(self._connection)
                yield transaction
                _hit_edges(transaction, "before-commit")
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
            _hit_edges(transaction, "after-commit")


def check_sqlite_version(version: str) -> None:
    """Refuse a SQLite that can corrupt a shared write-ahead log.

    Raises:
        SqliteVersionError: older than `MINIMUM_SQLITE`.
    """
    if tuple(int(part) for part in version.split(".")) < MINIMUM_SQLITE:
        needed = ".".join(map(str, MINIMUM_SQLITE))
        raise SqliteVersionError(
            f"SQLite {version} can corrupt a database that several processes write; "
            f"{needed} or later is needed: upgrade apsw"
        )


def _open_checked(paths: WorkspacePaths) -> apsw.Connection:
    """Open, check and migrate; the caller holds the workspace's open lock."""
    if not paths.database.exists():
        _refuse_if_trials_exist(paths)
    connection = _connect(paths.database)
    try:
        _check_ours(connection, paths)
        _prepare(connection, paths.database)
    except _DAMAGED as error:
        connection.close()
        aside = _set_aside(paths)
        raise StateUnreadableError(
            f"{paths.database} is damaged ({error}) and was set aside as {aside.name}; restore "
            "it from a backup, or move the trials away to start anew"
        ) from error
    except BaseException:
        connection.close()
        raise
    return connection


def _connect(path: Path) -> apsw.Connection:
    connection = apsw.Connection(str(path))
    # Until the file has proved to be ours and whole, not even closing may write to it.
    connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, True)
    connection.set_busy_timeout(BUSY_TIMEOUT_MS)
    if connection.readonly("main"):
        connection.close()
        raise apsw.ReadOnlyError(f"{path.name} is read-only")
    return connection


def _check_ours(connection: apsw.Connection, paths: WorkspacePaths) -> None:
    version = connection.pragma("user_version")
    if version > SCHEMA_VERSION:
        raise StateVersionError(
            f"{paths.database} has schema version {version}; this version of the lab reads up to "
            f"{SCHEMA_VERSION}: upgrade pawn-lab, or use another workspace"
        )
    if not connection.execute("SELECT count(*) FROM sqlite_schema").get:
        _refuse_if_trials_exist(paths)
    elif connection.pragma("application_id") != APPLICATION_ID:
        raise StateVersionError(
            f"{paths.database} is not a database of this lab; use another workspace"
        )


def _refuse_if_trials_exist(paths: WorkspacePaths) -> None:
    if paths.has_trials():
        raise StateUnreadableError(
            f"{paths.database} is missing or empty while {paths.trials} holds trials; restore "
            "the database from a backup, or move the trials away to start anew"
        )


def _prepare(connection: apsw.Connection, path: Path) -> None:
    """Check every page, set how commits are made durable, and migrate."""
    if connection.pragma("quick_check", 1) != "ok":
        raise apsw.CorruptError(f"{path.name} fails its integrity check")
    connection.pragma("journal_mode", "WAL")
    connection.pragma("synchronous", "FULL")
    connection.pragma("foreign_keys", True)
    if connection.pragma("user_version") < SCHEMA_VERSION:
        _migrate(connection)
        sync_file(path.parent)
        failpoints.hit("open.created")
    connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, False)


def _migrate(connection: apsw.Connection) -> None:
    with connection:
        for step in MIGRATIONS[connection.pragma("user_version") :]:
            connection.execute(step)
        connection.pragma("application_id", APPLICATION_ID)
        connection.pragma("user_version", SCHEMA_VERSION)


def _set_aside(paths: WorkspacePaths) -> Path:
    """Rename the database's files to the first free name and return the database's new one."""
    number = 1
    while (aside := paths.root / f"lab.db.unreadable-{number}").exists():
        number += 1
    for file in paths.database_files:
        if file.exists():
            file.rename(f"{aside}{file.name.removeprefix(paths.database.name)}")
    sync_file(paths.root)
    return aside


@contextlib.contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except apsw.BusyError as error:
        raise StateBusyError(f"{path} was busy for {BUSY_TIMEOUT_MS / 1000:g} s") from error
    except _DAMAGED as error:
        raise StateUnreadableError(f"{path} is damaged ({error}); restore it") from error
    except (apsw.ReadOnlyError, apsw.FullError, apsw.IOError) as error:
        raise WorkspaceNotWritableError(f"{path} cannot be written ({error})") from error


def _hit_edges(transaction: Transaction, side: str) -> None:
    for edge in transaction.edges:
        failpoints.hit(f"{edge}.{side}")

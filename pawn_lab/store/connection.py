"""Connections to the state database: checked, created, migrated; or a copy of it, to be read."""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote_from_bytes

import apsw

from pawn_core.durable import sync_file
from pawn_lab import failpoints
from pawn_lab.errors import SqliteVersionError, StateUnreadableError, StateVersionError
from pawn_lab.paths import WorkspacePaths
from pawn_lab.store.failures import DAMAGED
from pawn_lab.store.schema import APPLICATION_ID, MIGRATIONS, SCHEMA_VERSION

MINIMUM_SQLITE = (3, 51, 3)
"""Earlier versions can corrupt a write-ahead log that two connections write at once."""

BUSY_TIMEOUT_MS = 10_000

_MEMORY = Path("/dev/shm")
_COPY_ATTEMPTS = 10


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


def open_checked(paths: WorkspacePaths) -> apsw.Connection:
    """Open, check and migrate; the caller holds the workspace's open lock."""
    if not paths.database.exists():
        _refuse_if_trials_exist(paths)
    connection = _connect(paths.database)
    try:
        _check_ours(connection, paths)
        _prepare(connection, paths.database)
    except DAMAGED as error:
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


def nothing_yet() -> apsw.Connection:
    """Return a database without trials, in memory."""
    connection = apsw.Connection(":memory:")
    _migrate(connection)
    return connection


def copied(paths: WorkspacePaths) -> apsw.Connection:
    """Return a copy in memory of a database that cannot be opened where it is.

    SQLite writes beside a database even to read it, and joins its write-ahead log to it, so it does
    so on a copy of the files.

    Raises:
        OSError: the files cannot be read, or there is no room for a copy.
        StateVersionError: a newer lab wrote it.
    """
    with _room() as folder:
        private = WorkspacePaths(folder)
        _copy_at_rest(paths, private)
        with contextlib.closing(_connect(private.database)) as copy:
            _check_ours(copy, paths)
            if copy.pragma("user_version") < SCHEMA_VERSION:
                _migrate(copy)
            connection = apsw.Connection(":memory:")
            backup = connection.backup("main", copy, "main")
            backup.step()
            backup.finish()
    return connection


@contextlib.contextmanager
def _room() -> Iterator[Path]:
    """Provide a folder in memory, else on a disk."""
    place = _MEMORY if _MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="pawn-lab-", dir=place) as folder:
        yield Path(folder)


def _copy_at_rest(paths: WorkspacePaths, private: WorkspacePaths) -> None:
    """Copy a database with its log, again where a checkpoint moved pages meanwhile."""
    database, log, _ = paths.database_files
    for _ in range(_COPY_ATTEMPTS):
        before = _generation(database, log)
        for source in (log, database):
            with contextlib.suppress(FileNotFoundError):
                shutil.copyfile(source, private.root / source.name)
        if _generation(database, log) == before:
            return


def _generation(database: Path, log: Path) -> tuple[int, bytes]:
    """Return what a checkpoint, or the start of the log anew, changes."""
    with contextlib.suppress(FileNotFoundError), log.open("rb") as file:
        return database.stat().st_mtime_ns, file.read(32)
    return database.stat().st_mtime_ns, b""


def _connect(path: Path) -> apsw.Connection:
    flags = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE | apsw.SQLITE_OPEN_URI
    name = quote_from_bytes(bytes(path.absolute()))  # a path need not be text
    connection = apsw.Connection(f"file:{name}", flags=flags)
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
        connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)  # its log may get lost
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

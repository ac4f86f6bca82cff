"""The state database of a workspace: read and changed in transactions, by any number at once."""

import contextlib
import os
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import apsw

from pawn_lab import failpoints
from pawn_lab.errors import NoLabError, StateBusyError, WorkspaceError, WorkspaceNotWritableError
from pawn_lab.locks import locked
from pawn_lab.paths import WorkspacePaths, nearest_lab
from pawn_lab.store import connection as connections
from pawn_lab.store import ledger
from pawn_lab.store.failures import full, translated
from pawn_lab.store.transaction import LARGEST_ID, Transaction

__all__ = ["LARGEST_ID", "Database", "Transaction", "no_lab"]

_RETRY_S = 1.0


class Database:
    """The state database of a workspace, open. Safe to use from several threads.

    refusal: why nothing can be changed; None where it can.
    mended: what was taken from the folders when it was opened; None where it lacked nothing.
    """

    def __init__(self, paths: WorkspacePaths) -> None:
        self._paths = paths
        self._names = paths.database_files
        self._lock = threading.RLock()
        self._connection = apsw.Connection(":memory:")
        self._files: list[tuple[int, int] | None] = []
        self._retry_at = 0.0
        self._opened = False
        self.refusal: WorkspaceError | None = None
        self.mended: str | None = None

    @classmethod
    def open(cls, paths: WorkspacePaths) -> "Database":
        """Open the database of a workspace, creating both where there is nothing yet.

        Raises:
            WorkspaceNotWritableError, StateUnreadableError, StateVersionError,
            StateBusyError, SqliteVersionError: see pawn_lab.errors.
        """
        database = cls(paths)
        database.create()
        return database

    @classmethod
    def view(cls, paths: WorkspacePaths) -> "Database":
        """Open the database of a workspace to change it, else to read it; create nothing.

        Raises:
            StateUnreadableError, StateVersionError, StateBusyError, SqliteVersionError: see
            pawn_lab.errors; WorkspaceNotWritableError where it cannot be read either.
        """
        database = cls(paths)
        with translated(paths.root, paths.database):
            database._look()
        return database

    @property
    def exists(self) -> bool:
        """Say whether there is a lab in the folder."""
        return not isinstance(self.refusal, NoLabError)

    def create(self) -> None:
        """Open the database for changes, creating it and its folder where there is nothing yet."""
        with self._lock, translated(self._paths.root, self._paths.database):
            self._paths.root.mkdir(parents=True, exist_ok=True)
            self._open()

    @contextlib.contextmanager
    def write(self) -> Iterator[Transaction]:
        """Change the database in one transaction; an exception leaves it untouched.

        Raises:
            NoLabError, WorkspaceNotWritableError: nothing can be changed; says why.
        """
        with self._transaction("BEGIN IMMEDIATE", changes=True) as transaction:
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
    def _transaction(self, begin: str, changes: bool = False) -> Iterator[Transaction]:
        with self._lock, translated(self._paths.root, self._paths.database):
            self._keep_up()
            if changes and isinstance(self.refusal, WorkspaceNotWritableError):
                raise self.refusal
            self._connection.execute(begin)
            transaction = Transaction(self._connection, self._paths if changes else None)
            try:
                yield transaction
                if changes and self.refusal is not None:
                    raise self.refusal
                _hit_edges(transaction, "before-commit")
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                transaction.undo()
                raise
            _hit_edges(transaction, "after-commit")
            transaction.name_folders()
            ledger.keep(transaction, self._paths)

    def _keep_up(self) -> None:
        """Open again what was restored, moved or deleted under us, or could not be opened."""
        if self._connection.in_transaction:
            return
        if self.refusal is not None:
            if time.monotonic() >= self._retry_at:
                self._look()
        elif self._files != (now := _identities(self._names)):
            self._let_go(log_deleted=now[:2] == [self._files[0], None])
            self._look()

    def _let_go(self, log_deleted: bool) -> None:
        """Close what was opened, with a deleted log written back where none has followed it."""
        with contextlib.suppress(apsw.Error):
            if log_deleted:
                self._connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_FULL)
        self._connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, True)
        self._use(apsw.Connection(":memory:"), None)

    def _look(self) -> None:
        """Open the database for changes, else a copy of it, else nothing yet."""
        self._retry_at = time.monotonic() + _RETRY_S
        if not _has_database(self._paths):
            if self._opened:
                raise NoLabError(f"the lab in '{self._paths.root}' is gone: moved, or deleted")
            self._use(connections.nothing_yet(), NoLabError(f"no lab in '{self._paths.root}'"))
            return
        try:
            self._open()
        except WorkspaceNotWritableError as error:
            self._use(_copied(self._paths, error), error)

    def _open(self) -> None:
        connections.check_sqlite_version(apsw.sqlite_lib_version())
        try:
            with (
                translated(self._paths.root, self._paths.database),
                locked(self._paths.open_lock),
            ):
                self._use(connections.open_checked(self._paths), None)
        except TimeoutError as error:
            raise StateBusyError(str(error)) from error
        self._opened = True
        self._mend()

    def _mend(self) -> None:
        """Take from the folders what the database lacks: one from a backup is older than they."""
        transaction = Transaction(self._connection)
        if not self._paths.ledger.exists():
            ledger.keep_all(transaction, self._paths)
        if ledger.lacks_something(transaction, self._paths):
            with self.write() as tx:
                if ledger.lacks_something(tx, self._paths):
                    self.mended = ledger.adopt(tx, self._paths)

    def _use(self, connection: apsw.Connection, refusal: WorkspaceError | None) -> None:
        self._connection.close()
        self._connection, self.refusal = connection, refusal
        self._files = _identities(self._names)


def no_lab(root: Path) -> NoLabError:
    """Return the error that names the nearest lab."""
    nearest = nearest_lab(root) or nearest_lab(Path()) or _latest_below(root)
    hint = f"; the nearest is '{_shown(nearest)}'" if nearest else ""
    room = full(next(folder for folder in (root, *root.parents) if folder.is_dir()))
    full_ = f", which cannot be written ({room}: free some space)" if room else ""
    return NoLabError(f"no lab in '{_shown(root)}'{full_}{hint}; `pawn-lab init` makes one")


def _latest_below(root: Path) -> Path | None:
    """Return the lab that was last used of those in a folder."""
    with contextlib.suppress(OSError):
        databases = [path for path in root.glob("*/lab.db") if not path.parent.is_symlink()]
        return max(databases, key=lambda path: path.stat().st_mtime).parent if databases else None
    return None


def _shown(path: Path) -> str:
    """Return a path from where the caller stands, if that is shorter."""
    return min(str(path), os.path.relpath(path), key=len)


def _has_database(paths: WorkspacePaths) -> bool:
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        paths.database.lstat()
        return True
    return paths.has_trials()


def _copied(paths: WorkspacePaths, refusal: WorkspaceNotWritableError) -> apsw.Connection:
    """Return a copy of a database that can be read, though not written.

    Raises:
        WorkspaceNotWritableError: it cannot be read either.
    """
    try:
        with translated(paths.root, paths.database):
            return connections.copied(paths)
    except WorkspaceNotWritableError:
        raise refusal from None


def _identities(names: Iterable[Path]) -> list[tuple[int, int] | None]:
    """Return which files the database's names stand for: device and inode."""
    return [_identity(name) for name in names]


def _identity(name: Path) -> tuple[int, int] | None:
    with contextlib.suppress(OSError):
        status = name.stat()
        return status.st_dev, status.st_ino
    return None


def _hit_edges(transaction: Transaction, side: str) -> None:
    for edge in transaction.edges:
        failpoints.hit(f"{edge}.{side}")

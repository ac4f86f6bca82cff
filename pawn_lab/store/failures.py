"""What the disk and SQLite refuse, in words that say what to do."""

import contextlib
import errno
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import apsw

from pawn_lab.errors import (
    StateBusyError,
    StateUnreadableError,
    WorkspaceError,
    WorkspaceNotWritableError,
)

BUSY = (apsw.BusyError, apsw.LockedError, apsw.ProtocolError)
DAMAGED = (apsw.NotADBError, apsw.CorruptError, apsw.FormatError)
UNUSABLE = (
    *(apsw.FullError, apsw.IOError, apsw.ReadOnlyError, apsw.CantOpenError, apsw.PermissionsError),
    *(apsw.AuthError, apsw.NoMemError, apsw.NoLFSError),
)
"""Of the disk or the machine; every other error of SQLite is a defect of the lab."""

_PROBE_BYTES = 65_536

_REMEDIES = {
    errno.ENOSPC: ("the disk is full", "free some space"),
    errno.EDQUOT: ("the disk quota is used up", "free some space"),
    errno.EROFS: ("its file system is read-only", "mount it writable"),
    errno.EACCES: ("permission denied", "make it writable"),
    errno.EPERM: ("permission denied", "make it writable"),
    errno.EIO: ("the disk answers with an input/output error", "look after the disk"),
    errno.EEXIST: ("a file is in the place of a folder", "move it away"),
    errno.ENOTDIR: ("a file is in the place of a folder", "move it away"),
    errno.ENOENT: ("a folder is missing", "make it"),
    errno.EMFILE: ("too many files are open", "end some processes"),
    errno.ENFILE: ("too many files are open", "end some processes"),
    errno.ENOMEM: ("the memory is full", "end some processes"),
}
"""By the system's error: what is wrong, and what to do."""


@contextlib.contextmanager
def translated(root: Path, database: Path | None = None) -> Iterator[None]:
    """Turn what the disk or SQLite refuses within a workspace into the lab's own errors.

    Raises:
        StateBusyError, StateUnreadableError, WorkspaceNotWritableError: see pawn_lab.errors.
    """
    try:
        yield
    except (WorkspaceError, TimeoutError):
        raise
    except BUSY as error:
        raise StateBusyError(f"{database} was busy ({error}); call again in a moment") from error
    except DAMAGED as error:
        raise StateUnreadableError(f"{database} is damaged ({error}); restore it") from error
    except (*UNUSABLE, OSError) as error:
        if isinstance(error, OSError) and error.errno not in _REMEDIES:
            raise
        raise not_writable(root, database, error) from error


def not_writable(root: Path, database: Path | None, error: Exception) -> WorkspaceNotWritableError:
    """Return the error that says why a workspace cannot be written, and what to do."""
    number = error.errno if isinstance(error, OSError) else _refusal(root, database)
    why, remedy = _REMEDIES.get(number or 0, (str(error), "make it writable"))
    where = getattr(error, "filename", None)
    place = f" at {Path(os.fsdecode(where)).name}" if isinstance(where, str | bytes) else ""
    return WorkspaceNotWritableError(
        f"workspace '{root}' cannot be written ({why}{place}{_owner(root, number)}); {remedy}, or "
        "name another with PAWN_WORKSPACE; trials that run go on"
    )


def full(folder: Path) -> str | None:
    """Say that a folder's disk has no room left for a lab; None where it has."""
    number = _refusal(folder, None)
    if number is None or number not in (errno.ENOSPC, errno.EDQUOT):
        return None
    return _REMEDIES[number][0]


def _refusal(root: Path, database: Path | None) -> int | None:
    """Find what SQLite does not tell: the system's error when a workspace is written to."""
    if database is not None and database.exists() and not os.access(database, os.R_OK | os.W_OK):
        return errno.EROFS if os.statvfs(root).f_flag & os.ST_RDONLY else errno.EACCES
    try:
        with tempfile.TemporaryFile(dir=root) as file:
            file.write(bytes(_PROBE_BYTES))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return error.errno
    return None


def _owner(root: Path, number: int | None) -> str:
    """Name the user to whom a workspace belongs that we may not write."""
    with contextlib.suppress(OSError, KeyError):
        if number in (errno.EACCES, errno.EPERM) and (owner := root.stat().st_uid) != os.getuid():
            return f": it belongs to {root.owner() or owner}"
    return ""

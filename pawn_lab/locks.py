"""Locks that the kernel frees when their holder dies. Standard library only."""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from pawn_lab.documents import read_text


def try_lock(path: Path, kind: int = fcntl.LOCK_EX) -> int | None:
    """Take a lock at once and return its file descriptor, or None when another holds it.

    The descriptor can be inherited: the lock lasts until its last copy is closed.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(handle, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    except BaseException:
        os.close(handle)
        raise
    return handle


def is_locked(path: Path) -> bool:
    """Say whether any process holds the lock exclusively; what is no file holds no lock."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except PermissionError:
        raise
    except OSError:
        return False
    try:
        # Shared, so that two processes that look at the same time do not see each other.
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def is_current(handle: int, path: Path) -> bool:
    """Say whether a lock's file is still the one at its path, or was taken away."""
    try:
        return os.path.samestat(os.fstat(handle), path.lstat())
    except FileNotFoundError:
        return False


def sign(handle: int) -> None:
    """Write into a lock's file that this process took it."""
    os.ftruncate(handle, 0)
    os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)


def signer(path: Path) -> int | None:
    """Return the process that says in a lock's file that it took it."""
    try:
        return int(read_text(path))
    except ValueError:
        return None


@contextlib.contextmanager
def locked(path: Path, timeout_s: float = 10.0, poll_s: float = 0.005) -> Iterator[None]:
    """Hold a lock for the length of a block.

    Raises:
        TimeoutError: another process kept it for longer than `timeout_s`.
    """
    deadline = time.monotonic() + timeout_s
    while (handle := try_lock(path)) is None:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{path} was locked by another process for {timeout_s:g} s")
        time.sleep(poll_s)
    try:
        yield
    finally:
        os.close(handle)

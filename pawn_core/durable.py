"""Writes that survive a power loss: fsync the file, rename, fsync the directory.

Standard library only, for the shim of pawn_lab.
"""

import ctypes
import errno
import os
import threading
from pathlib import Path

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
_NO_EXCHANGE = frozenset({errno.ENOSYS, errno.EINVAL})


def write_file(path: Path, data: bytes, mode: int = 0o666) -> None:
    """Write a new file, of this mode as far as the umask allows, and force it to the disk."""
    with open(path, "xb", opener=lambda name, flags: os.open(name, flags, mode)) as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def sync_file(path: Path) -> None:
    """Force a file's contents, or a directory's entries, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace_file(path: Path, data: bytes, mode: int = 0o666) -> None:
    """Replace a file in one step: a reader sees the old contents or the new, never a part.

    Of several at once, in whatever threads and processes, the last one's contents stay.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.tmp")
    partial.unlink(missing_ok=True)
    write_file(partial, data, mode)
    partial.replace(path)
    sync_file(path.parent)


def make_directory(path: Path) -> None:
    """Create a directory and the parents it lacks, each forced to the disk.

    Raises:
        OSError: the disk refused, or a file is in the way (NotADirectoryError).
    """
    if path.is_dir():
        return
    make_directory(path.parent)
    try:
        path.mkdir(exist_ok=True)
    except FileExistsError:
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path)) from None
    sync_file(path.parent)


def exchange(one: Path, other: Path) -> None:
    """Swap two directories: in one step on Linux, by renames on file systems that cannot."""
    code = _exchange(one, other)
    if code in _NO_EXCHANGE:
        _exchange_by_renames(one, other)
    elif code:
        raise OSError(code, os.strerror(code), str(one))


def _exchange(one: Path, other: Path) -> int:
    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if renameat2 is None:
        return errno.ENOSYS
    paths = (_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other))
    return ctypes.get_errno() if renameat2(*paths, _RENAME_EXCHANGE) else 0


def _exchange_by_renames(one: Path, other: Path) -> None:
    aside = one.with_name(f"{one.name}-aside")
    other.rename(aside)
    try:
        one.rename(other)
    except OSError:
        aside.rename(other)
        raise
    aside.rename(one)

"""Checkpoints in memory: `checkpoints` is a link into /dev/shm while the run goes on."""

import contextlib
import errno
import hashlib
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from pawn_core.durable import make_directory, sync_file

MEMORY = Path("/dev/shm")


def keep_in_memory(checkpoints: Path) -> None:
    """Make a run's checkpoints folder a link to one in memory; one on the disk stays as it is.

    Raises:
        OSError: there is no such memory here, or it cannot be written.
    """
    if checkpoints.is_dir():
        return
    target = _target(checkpoints)
    target.mkdir(mode=0o700, exist_ok=True)
    if target.is_symlink() or target.stat().st_uid != os.getuid():
        raise PermissionError(errno.EPERM, "is another user's", str(target))
    with contextlib.suppress(FileNotFoundError):
        checkpoints.unlink()  # a link whose target went with the power
    checkpoints.symlink_to(target)


def settle(checkpoints: Path, kept: Iterable[Path]) -> None:
    """Bring some of the checkpoints in memory to the disk, in the link's place, and free it.

    Raises:
        OSError: the disk refused; they are still in memory.
    """
    if not checkpoints.is_symlink():
        return
    partial = checkpoints.with_name(f".{checkpoints.name}-settling")
    shutil.rmtree(partial, ignore_errors=True)
    make_directory(partial)
    for path in kept:
        shutil.copytree(path, partial / path.name)
    for path in (partial, *partial.rglob("*")):
        sync_file(path)
    target = checkpoints.resolve()
    checkpoints.unlink()
    partial.rename(checkpoints)
    sync_file(checkpoints.parent)
    if target == _target(checkpoints):
        shutil.rmtree(target, ignore_errors=True)


def remove(checkpoint: Path) -> None:
    """Remove a checkpoint, hidden first: no reader may take the rest of it for whole."""
    hidden = checkpoint.with_name(f".gone-{checkpoint.name}-{os.getpid()}")
    checkpoint.rename(hidden)
    shutil.rmtree(hidden, ignore_errors=True)


def _target(checkpoints: Path) -> Path:
    place = hashlib.sha256(os.fsencode(checkpoints.parent.resolve())).hexdigest()
    return MEMORY / f"pawn-{place[:16]}"

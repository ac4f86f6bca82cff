"""Who watches the lab: one process, with a lock, that gives signs of life.

While `watch.json` is there, somebody is meant to watch; whoever ends in order takes it away. Its
time of change is the latest sign of life, so that a full disk does not make a watch seem dead.
"""

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, ValidationError

from pawn_lab.documents import read_json_object, write_json
from pawn_lab.errors import WatchedError
from pawn_lab.locks import is_locked, try_lock
from pawn_lab.paths import WorkspacePaths

SILENT_S = 300.0
"""A watch that has given no sign of life for longer hangs; reading checkpoints takes its time."""


class Watcher(BaseModel):
    """Who watches, and what for."""

    model_config = ConfigDict(frozen=True, strict=True)

    pid: int
    since: float
    stops_when_idle: bool = False

    @classmethod
    def of_self(cls, *, stops_when_idle: bool) -> Self:
        """Return this process, from now on."""
        return cls(pid=os.getpid(), since=time.time(), stops_when_idle=stops_when_idle)

    @classmethod
    def of(cls, paths: WorkspacePaths) -> Self | None:
        """Return who is meant to watch a lab; None where nobody is."""
        document = read_json_object(paths.watch, paths.root)
        try:
            return None if document is None else cls.model_validate(document)
        except ValidationError:
            return None


@contextlib.contextmanager
def on_watch(paths: WorkspacePaths, watcher: Watcher) -> Iterator[None]:
    """Be the one that watches for the length of a block.

    Raises:
        WatchedError: another process does.
        OSError: the workspace cannot be written.
    """
    if (lock := try_lock(paths.watch_lock)) is None:
        other = Watcher.of(paths)
        who = f", process {other.pid}" if other else ""
        raise WatchedError(f"another `pawn-lab watch` watches this lab{who}; end it first")
    try:
        write_json(paths.watch, watcher.model_dump())
        yield
        paths.watch.unlink(missing_ok=True)
    finally:
        os.close(lock)


def beat(paths: WorkspacePaths) -> None:
    """Give a sign of life; it takes no room on the disk."""
    with contextlib.suppress(OSError):
        os.utime(paths.watch, follow_symlinks=False)


def faults(paths: WorkspacePaths, now: float) -> list[str]:
    """Say that whoever was meant to watch has died or hangs; nothing where all is well."""
    silent_s = _silent_s(paths.watch, now)
    if silent_s is None:
        return []
    is_dead = not is_locked(paths.watch_lock)
    if not is_dead and silent_s <= SILENT_S:
        return []
    how = "has died" if is_dead else "does not answer"
    return [
        f"`pawn-lab watch` {how}, its last sign of life {silent_s / 60:.0f} min ago: no event is "
        "delivered, no idle machine stops; start it again."
    ]


def _silent_s(file: Path, now: float) -> float | None:
    """Return for how long a watch has given no sign of life; None where there is none."""
    with contextlib.suppress(OSError):
        return max(0.0, now - file.lstat().st_mtime)
    return None

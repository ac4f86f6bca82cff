"""Closing: what runs saves and ends, and nothing starts, so that the machine can be stopped."""

import contextlib
import os
import time
from collections.abc import Iterator

from pawn_lab.errors import LabError
from pawn_lab.executors.attempt import Attempt
from pawn_lab.executors.executor import Life
from pawn_lab.lab.killing import kill
from pawn_lab.lab.workspace import Lab
from pawn_lab.locks import try_lock
from pawn_lab.scheduling import supervision

POLL_S = 0.2


@contextlib.contextmanager
def closed(lab: Lab, reason: str, patience_s: float) -> Iterator[tuple[list[int], list[int]]]:
    """Ask every trial that runs to save and end; for the length of the block none is launched.

    Queued trials stay queued. Where another process closes the lab too, both keep it closed.

    Yields:
        The trials that were asked, and those of them that have not ended after `patience_s`.
    """
    with nothing_starts(lab):
        running = _running(lab)
        _ask(lab, running, reason)
        yield list(running), list(_await_ends(lab, patience_s))


@contextlib.contextmanager
def nothing_starts(lab: Lab) -> Iterator[None]:
    """Let no trial be launched for the length of the block."""
    lock = _lock(lab)
    try:
        yield
    finally:
        if lock is not None:
            os.close(lock)


def _lock(lab: Lab) -> int | None:
    """Take the lock; None where another process has it, or where the disk is full."""
    with contextlib.suppress(OSError):
        return try_lock(lab.paths.closing_lock)
    return None


def _running(lab: Lab) -> dict[int, Attempt]:
    """Return what runs by trial, as the executor sees it: on a full disk no end is recorded."""
    lab.refresh()
    with lab.database.read() as tx:
        attempts = supervision.attempts(tx, lab.paths)
    sights = lab.executor.look(attempts) if attempts else {}
    return {a.trial_id: a for a in attempts if sights[a].life in (Life.ALIVE, Life.UNKNOWN)}


def _ask(lab: Lab, running: dict[int, Attempt], reason: str) -> None:
    """Ask trials to stop, also where no reason can be recorded."""
    for trial_id, attempt in running.items():
        with contextlib.suppress(LabError):
            kill(lab, trial_id, reason=reason)
        lab.executor.stop(attempt)


def _await_ends(lab: Lab, patience_s: float) -> dict[int, Attempt]:
    deadline = time.monotonic() + patience_s
    while (left := _running(lab)) and time.monotonic() < deadline:
        time.sleep(POLL_S)
    lab.refresh()  # to record the last end
    return left

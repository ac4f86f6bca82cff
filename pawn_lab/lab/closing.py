"""Closing: what runs saves and ends, and nothing starts, so that the machine can be stopped."""

import contextlib
import os
import time
from collections.abc import Iterator

from pawn_lab.errors import LabError
from pawn_lab.lab.killing import kill
from pawn_lab.lab.queries import selected
from pawn_lab.lab.workspace import Lab
from pawn_lab.locks import try_lock
from pawn_lab.scheduling import supervision
from pawn_lab.states import HOLDING

POLL_S = 0.2


@contextlib.contextmanager
def closed(lab: Lab, reason: str, patience_s: float) -> Iterator[tuple[list[int], list[int]]]:
    """Ask every trial that runs to save and end; for the length of the block none is launched.

    Queued trials stay queued. Where another process closes the lab too, both keep it closed.

    Yields:
        The trials that were asked, and those of them that have not ended after `patience_s`.
    """
    with nothing_starts(lab):
        asked = _running(lab)
        _ask(lab, asked, reason)
        yield asked, _await_ends(lab, patience_s)


@contextlib.contextmanager
def nothing_starts(lab: Lab) -> Iterator[None]:
    """Let no trial be launched for the length of the block."""
    lock = try_lock(lab.paths.closing_lock)
    try:
        yield
    finally:
        if lock is not None:
            os.close(lock)


def _running(lab: Lab) -> list[int]:
    lab.refresh()
    return [trial.id for trial in selected(lab) if trial.state in HOLDING]


def _ask(lab: Lab, trial_ids: list[int], reason: str) -> None:
    """Ask trials to stop; on a full disk, where no reason can be recorded, all the same."""
    for trial_id in trial_ids:
        with contextlib.suppress(LabError):
            kill(lab, trial_id, reason=reason)
    with lab.database.read() as tx:
        attempts = supervision.attempts(tx, lab.paths)
    for attempt in attempts:
        lab.executor.stop(attempt)


def _await_ends(lab: Lab, patience_s: float) -> list[int]:
    deadline = time.monotonic() + patience_s
    while (left := _running(lab)) and time.monotonic() < deadline:
        time.sleep(POLL_S)
    return left

"""Killing: asking trials to save and stop."""

import time

from pawn_lab import failpoints
from pawn_lab.lab.queries import trial
from pawn_lab.lab.workspace import Lab
from pawn_lab.records import Trial
from pawn_lab.states import State
from pawn_lab.store import trials
from pawn_lab.trials import launches, requests

SHIM_TIMEOUT_S = 30.0
SHIM_POLL_S = 0.02


def kill(lab: Lab, trial_id: int, *, reason: str | None = None) -> Trial:
    """Ask a trial to save and stop, by force after its grace period; returns at once.

    Raises:
        TrialStateError: the trial has already ended.
    """
    why = requests.checked_reason(reason)
    lab.refresh()
    with lab.database.write() as tx:
        launches.request_kill(tx, trials.get(tx, trial_id), why, lab.launcher.caller)
    failpoints.hit("kill.requested")
    _await_shim(lab, trial_id)
    return _after_pass(lab, trial_id)


def _after_pass(lab: Lab, trial_id: int) -> Trial:
    """Return a trial that was changed, once the scheduler has seen it."""
    with lab.one_pass():
        lab.tick()
        return trial(lab, trial_id)


def _await_shim(lab: Lab, trial_id: int) -> None:
    """Wait until a trial that is being launched has somebody who can be told to stop."""
    deadline = time.monotonic() + SHIM_TIMEOUT_S
    while _is_launching(lab, trial_id) and time.monotonic() < deadline:
        time.sleep(SHIM_POLL_S)
        lab.tick()


def _is_launching(lab: Lab, trial_id: int) -> bool:
    with lab.database.read() as tx:
        return trials.get(tx, trial_id).state == State.LAUNCHING

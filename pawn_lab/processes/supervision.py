"""From what is on disk to the state of a trial: liveness is the lock, the end is exit.json."""

import time
from typing import NamedTuple

from pawn_lab.documents import read_json_object
from pawn_lab.paths import TrialPaths, WorkspacePaths
from pawn_lab.processes import exits, identity
from pawn_lab.processes.identity import ProcessIdentity
from pawn_lab.processes.locks import is_locked
from pawn_lab.records import Exit
from pawn_lab.reporting.post_mortem import post_mortem
from pawn_lab.store import Transaction, trials
from pawn_lab.store.database import Row
from pawn_lab.trials.states import ENDED_WELL, HOLDING, State

MOST_LAUNCH_ATTEMPTS = 3
_SURVIVORS_TIMEOUT_S = 2.0


class Shim(NamedTuple):
    """A trial's shim, the guardian above it, and when it started the trainer, in which folder."""

    identity: ProcessIdentity
    guardian: ProcessIdentity
    started_at: float
    folder: list[int] | None


def reconcile(tx: Transaction, workspace: WorkspacePaths) -> list[ProcessIdentity]:
    """Bring every trial that holds a device up to date; return the shims that must be stopped."""
    to_stop = []
    for trial in trials.select(tx, HOLDING):
        shim = _reconcile_trial(tx, workspace.trial(trial["id"]), trial)
        if shim is not None:
            to_stop.append(shim)
    return to_stop


def abandon_launch(tx: Transaction, attempt: Row, why: str) -> None:
    """Queue again a trial that never had a process, or give it up after several attempts.

    Does nothing when another process has already dealt with this attempt.
    """
    trial = trials.get(tx, attempt["id"])
    if (trial["state"], trial["token"]) != (State.LAUNCHING, attempt["token"]):
        return
    if trial["attempts"] < MOST_LAUNCH_ATTEMPTS:
        trials.move(tx, trial, State.QUEUED, f"launch interrupted, queued again: {why}")
        return
    how = exits.lost(f"never started in {trial['attempts']} attempts: {why}")
    trials.move(tx, trial, State.LOST, how.message, exit=how.model_dump())


def shim_of(paths: TrialPaths, trial: Row) -> Shim | None:
    """Return who the shim of this attempt is, or None before it has said so."""
    try:
        record = read_json_object(paths.identity) or {}
        ours = ProcessIdentity.from_dict(record)
        guardian = ProcessIdentity.from_dict(record.get("guardian", record))
        shim = Shim(ours, guardian, float(record["started_at"]), record.get("folder"))
    except (ValueError, KeyError, TypeError, OverflowError):
        return None
    return shim if shim.identity.token == trial["token"] else None


def _reconcile_trial(tx: Transaction, paths: TrialPaths, trial: Row) -> ProcessIdentity | None:
    """Bring one trial up to date; return its shim if it must be stopped."""
    alive = is_locked(paths.alive_lock)  # first: exit.json is written before the lock is freed
    shim = shim_of(paths, trial)
    if trial["state"] == State.LAUNCHING and shim is not None:
        trial = trials.move(tx, trial, State.RUNNING, "trainer started", started_at=shim.started_at)
    if alive:
        return _supervise(trial, shim)
    if trial["state"] == State.LAUNCHING:
        abandon_launch(tx, trial, "the launching process died")
    else:
        _end(tx, paths, trial, shim)
    return None


def _supervise(trial: Row, shim: Shim | None) -> ProcessIdentity | None:
    """Kill what a dead shim and guardian left; return a live shim whose trial is to be killed."""
    if shim is None:
        return None  # being launched: the launcher holds the lock
    if identity.is_alive(shim.identity):
        return shim.identity if trial["kill_reason"] is not None else None
    if not identity.is_alive(shim.guardian):
        identity.kill_members(trial["token"])  # the lock will tell when they are gone
    return None


def _end(tx: Transaction, paths: TrialPaths, trial: Row, shim: Shim | None) -> None:
    record = exits.read(paths.exit, trial["token"])
    if record is None:
        _end_lost(tx, paths, trial, shim)
        return
    state, how = exits.verdict(record, trial["kill_reason"], paths)
    if state == State.FAILED:
        how = _explained(tx, paths, trial, how)
    data = how.model_dump()
    trials.move(tx, trial, state, how.message, data, exit=data, ended_at=record.ended_at)


def _end_lost(tx: Transaction, paths: TrialPaths, trial: Row, shim: Shim | None) -> None:
    """Mark a trial lost once no process of it is left."""
    if shim and shim.folder and shim.folder != identity.folder_id(paths.root):
        how = exits.lost("this workspace is a copy: the trial may go on where it was started")
        trials.move(tx, trial, State.LOST, how.message, exit=how.model_dump())
        return
    deadline = time.monotonic() + _SURVIVORS_TIMEOUT_S
    while identity.kill_members(trial["token"]):
        if time.monotonic() > deadline:
            return  # unkillable for now; whoever looks next tries again
        time.sleep(0.01)
    last_sign = _last_sign_of_life(paths, tx.now)
    how = exits.lost(
        "its shim died without recording an end; resume it from its last checkpoint. Its "
        f"device-time counts up to its last sign of life, {max(0.0, tx.now - last_sign):.0f} s ago"
    )
    data = _explained(tx, paths, trial, how).model_dump()
    trials.move(tx, trial, State.LOST, how.message, data, exit=data, ended_at=last_sign)


def _explained(tx: Transaction, paths: TrialPaths, trial: Row, how: Exit) -> Exit:
    """Add the post-mortem, where the trial's files can be read."""
    good = trials.select(tx, ENDED_WELL)
    try:
        explained = post_mortem(trial, how, paths, good)
    except OSError:
        return how
    return how.model_copy(update={"post_mortem": explained})


def _last_sign_of_life(paths: TrialPaths, default: float) -> float:
    times = [f.stat().st_mtime for f in (paths.log, paths.metrics) if f.exists()]
    return max(times, default=default)

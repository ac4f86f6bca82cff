"""From what is on disk to the state of a trial: liveness is the lock, the end is exit.json."""

import time

from pawn_lab.locks import is_locked, signer
from pawn_lab.paths import TrialPaths, WorkspacePaths
from pawn_lab.records import Exit
from pawn_lab.reporting import exits
from pawn_lab.reporting.post_mortem import post_mortem
from pawn_lab.scheduling import owners
from pawn_lab.scheduling.owners import Shim, shim_of
from pawn_lab.shim import identity
from pawn_lab.shim.identity import ProcessIdentity
from pawn_lab.states import ENDED_WELL, HOLDING, State
from pawn_lab.store import Transaction, leases, trials
from pawn_lab.store.database import Row

MOST_LAUNCH_ATTEMPTS = 3
STOPPED_S, LAUNCH_S = 5.0, 120.0
"""How long a launch may take, of a launcher that is stopped and of one that works."""
_SURVIVORS_TIMEOUT_S = 2.0


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
        queued = trials.move(tx, trial, State.QUEUED, f"launch interrupted, queued again: {why}")
        if trial["kill_reason"] is not None:
            how = Exit.never_ran(trial["kill_reason"])
            trials.move(tx, queued, State.KILLED, how.message, exit=how.model_dump())
        return
    how = Exit.lost(f"never started in {trial['attempts']} attempts: {why}")
    trials.move(tx, trial, State.LOST, how.message, exit=how.model_dump())


def _reconcile_trial(tx: Transaction, paths: TrialPaths, trial: Row) -> ProcessIdentity | None:
    """Bring one trial up to date; return its shim if it must be stopped."""
    locked = is_locked(paths.alive_lock)  # first: exit.json is written before the lock is freed
    shim = shim_of(paths, trial)
    if trial["state"] == State.LAUNCHING and shim is not None:
        started_at = shim.started.seen_from(tx.moment)
        trial = trials.move(tx, trial, State.RUNNING, "trainer started", started_at=started_at)
    if locked or _is_owned(paths, shim):
        return _supervise(tx, paths, trial, shim)
    if trial["state"] == State.LAUNCHING:
        identity.kill_members(trial["token"])  # its lock was deleted before its shim told of itself
        abandon_launch(tx, trial, "the launching process died")
    else:
        _end(tx, paths, trial, shim)
    return None


def _is_owned(paths: TrialPaths, shim: Shim | None) -> bool:
    """Say whether a trial whose lock seems free has an owner: somebody deleted `alive.lock`."""
    return shim is not None and not shim.is_of_copy(paths) and shim.lives()


def _supervise(
    tx: Transaction, paths: TrialPaths, trial: Row, shim: Shim | None
) -> ProcessIdentity | None:
    """See to it that a trial has an owner that answers; return a shim that is to be stopped."""
    if trial["state"] == State.LAUNCHING:
        _take_over(tx, paths, trial)
        return None
    is_to_end = trial["kill_reason"] is not None
    if shim is not None:
        owners.continue_stopped(tx, trial, shim)
    if is_to_end:
        owners.escalate(tx, trial, shim)
    if shim is not None and not shim.lives():
        identity.kill_members(trial["token"])  # the lock will tell when they are gone
    return shim.identity if shim is not None and is_to_end else None


def _take_over(tx: Transaction, paths: TrialPaths, trial: Row) -> None:
    """Queue a launch again whose launcher is stopped or hangs, and so holds a device for nothing.

    Without its lock at its place a shim starts no trainer. It says who it is before it looks, we
    take the lock's file away before we look who it is: one of us sees the other.
    """
    launcher = signer(paths.alive_lock)
    is_stopped = launcher is not None and identity.is_process_stopped(launcher)
    if tx.now - leases.since(tx, trial["id"]) <= (STOPPED_S if is_stopped else LAUNCH_S):
        return
    paths.alive_lock.unlink(missing_ok=True)
    if shim_of(paths, trial) is None:
        identity.kill_members(trial["token"])
        abandon_launch(tx, trial, "its launcher was stopped or hung")


def _end(tx: Transaction, paths: TrialPaths, trial: Row, shim: Shim | None) -> None:
    record = exits.read(paths.exit, trial["token"])
    if record is None:
        _end_lost(tx, paths, trial, shim)
        return
    state, ending = exits.verdict(record, trial["kill_reason"], paths)
    if state == State.FAILED:
        ending = _explained(tx, paths, trial, ending)
    data = ending.model_dump()
    started_at = trial["started_at"] if shim is None else shim.started.seen_from(tx.moment)
    times = {"started_at": started_at, "ended_at": record.ended.seen_from(tx.moment)}
    left = "" if state in ENDED_WELL else f"; {exits.saved(paths, ending.step)}"
    trials.move(tx, trial, state, ending.message + left, data, exit=data, **times)


def _end_lost(tx: Transaction, paths: TrialPaths, trial: Row, shim: Shim | None) -> None:
    """Mark a trial lost once no process of it is left."""
    if shim is not None and shim.is_of_copy(paths):
        ending = Exit.lost("this workspace is a copy: the trial may go on where it was started")
        trials.move(tx, trial, State.LOST, ending.message, exit=ending.model_dump())
        return
    deadline = time.monotonic() + _SURVIVORS_TIMEOUT_S
    while identity.kill_members(trial["token"]):
        if time.monotonic() > deadline:
            return  # unkillable for now; whoever looks next tries again
        time.sleep(0.01)
    last_sign = _last_sign_of_life(paths, tx.now)
    asked = "a kill was asked for, and " if trial["kill_reason"] is not None else ""
    ending = Exit.lost(
        f"{asked}its shim died without recording an end; {exits.saved(paths)}. Its device-time "
        f"counts up to its last sign of life, {max(0.0, tx.now - last_sign):.0f} s ago"
    )
    data = _explained(tx, paths, trial, ending).model_dump()
    trials.move(tx, trial, State.LOST, ending.message, data, exit=data, ended_at=last_sign)


def _explained(tx: Transaction, paths: TrialPaths, trial: Row, ending: Exit) -> Exit:
    """Add the post-mortem, where the trial's files can be read."""
    good = trials.select(tx, ENDED_WELL)
    try:
        explained = post_mortem(trial, ending, paths, good)
    except OSError:
        return ending
    return ending.model_copy(update={"post_mortem": explained})


def _last_sign_of_life(paths: TrialPaths, default: float) -> float:
    times = [f.stat().st_mtime for f in (paths.log, paths.metrics) if f.exists()]
    return max(times, default=default)

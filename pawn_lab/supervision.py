"""From what is on disk to the state of a trial: liveness is the lock, the end is exit.json."""

import time
from typing import Any

from pawn_lab import identity
from pawn_lab.durable import read_json_object
from pawn_lab.identity import ProcessIdentity
from pawn_lab.locks import is_locked
from pawn_lab.paths import TrialPaths, WorkspacePaths
from pawn_lab.records import Exit
from pawn_lab.states import HOLDING, State
from pawn_lab.store import Transaction, trials
from pawn_lab.store.database import Row

MOST_LAUNCH_ATTEMPTS = 3
_SURVIVORS_TIMEOUT_S = 2.0

_STATE_OF_REASON = {
    "completed": State.COMPLETED,
    "patience": State.COMPLETED,
    "paused": State.PAUSED,
}

_LIMIT_MESSAGES = {
    "wall_clock": "stopped at its wall-clock limit",
    "no_progress": "stopped because its metrics no longer grew",
    "signal": "stopped by a signal from outside the lab",
}


def reconcile(tx: Transaction, workspace: WorkspacePaths) -> list[ProcessIdentity]:
    """Bring every trial that holds a device up to date; return the shims that must be stopped."""
    to_stop = []
    for trial in trials.select(tx, HOLDING):
        shim = _reconcile_trial(tx, workspace.trial(trial["id"]), trial)
        if shim is not None:
            to_stop.append(shim)
    return to_stop


def abandon_launch(tx: Transaction, trial: Row, why: str) -> None:
    """Queue again a trial that never had a process, or give it up after several attempts."""
    if trial["attempts"] < MOST_LAUNCH_ATTEMPTS:
        trials.move(tx, trial, State.QUEUED, f"launch interrupted, queued again: {why}")
        return
    message = f"never started in {trial['attempts']} attempts: {why}"
    trials.move(tx, trial, State.LOST, message, exit=_lost(message))


def shim_of(paths: TrialPaths, trial: Row) -> ProcessIdentity | None:
    """Return who the shim of this attempt is, or None before it has said so."""
    record = _readable(paths.identity)
    if record is None or record.get("token") != trial["token"]:
        return None
    return ProcessIdentity.from_dict(record)


def _reconcile_trial(tx: Transaction, paths: TrialPaths, trial: Row) -> ProcessIdentity | None:
    alive = is_locked(paths.alive_lock)  # first: exit.json is written before the lock is freed
    shim = shim_of(paths, trial)
    if shim is None and trial["state"] == State.LAUNCHING:
        if not alive:
            abandon_launch(tx, trial, "the launching process died")
        return None
    if trial["state"] == State.LAUNCHING:
        trial = _running(tx, paths, trial)
    if not alive:
        _end(tx, paths, trial)
    elif shim is None or not identity.is_alive(shim):
        identity.kill_members(trial["token"])  # nobody owns them; the lock tells when they are gone
    elif trial["kill_reason"] is not None:
        return shim
    return None


def _running(tx: Transaction, paths: TrialPaths, trial: Row) -> Row:
    started_at = (_readable(paths.identity) or {}).get("started_at", tx.now)
    return trials.move(tx, trial, State.RUNNING, "trainer started", started_at=started_at)


def _end(tx: Transaction, paths: TrialPaths, trial: Row) -> None:
    record = _readable(paths.exit)
    if record is None or record.get("token") != trial["token"]:
        _end_lost(tx, paths, trial)
        return
    state, exit_ = verdict(record, trial["kill_reason"])
    trials.move(
        tx,
        trial,
        state,
        exit_.message,
        exit_.model_dump(),
        exit=exit_.model_dump(),
        ended_at=record["ended_at"],
    )


def _end_lost(tx: Transaction, paths: TrialPaths, trial: Row) -> None:
    """Mark a trial lost once no process of it is left."""
    deadline = time.monotonic() + _SURVIVORS_TIMEOUT_S
    while identity.kill_members(trial["token"]):
        if time.monotonic() > deadline:
            return  # unkillable for now; whoever looks next tries again
        time.sleep(0.01)
    message = "its shim died without recording an end; resume it from its last checkpoint"
    last_sign = _last_sign_of_life(paths, tx.now)
    trials.move(tx, trial, State.LOST, message, exit=_lost(message), ended_at=last_sign)


def verdict(record: dict[str, Any], kill_reason: str | None) -> tuple[State, Exit]:
    """Return the terminal state an exit record stands for, and what to say about it.

    Completed and paused need both exit code 0 and the trainer's word; killed needs a kill that
    was asked for and an end by signal; everything else is failed.
    """
    outcome = record["outcome"] or {}
    reason = outcome.get("reason")
    by_signal = record["signal"] is not None or reason == "signal" or record["code"] == 143
    if record["code"] == 0 and reason in _STATE_OF_REASON:
        state = _STATE_OF_REASON[reason]
        message = outcome.get("message") or f"trainer {reason}"
    elif by_signal and kill_reason is not None:
        state, reason, message = State.KILLED, "killed", f"killed: {kill_reason}"
    else:
        state = State.FAILED
        reason, message = _failure(record, reason, outcome.get("message"))
    return state, Exit(
        code=record["code"],
        signal=record["signal"],
        reason=reason,
        message=message,
        step=outcome.get("step"),
        checkpoint=outcome.get("checkpoint"),
        duration_s=record["duration_s"],
    )


def _failure(record: dict[str, Any], reason: str | None, said: str | None) -> tuple[str, str]:
    how = (
        f"signal {record['signal']}"
        if record["signal"] is not None
        else f"exit code {record['code']}"
    )
    if record["stopped_by"] is not None:
        return record["stopped_by"], f"{_LIMIT_MESSAGES[record['stopped_by']]} ({how})"
    if reason is None:
        said = "the trainer recorded no outcome; see its log"
    return reason or "crashed", f"trainer failed with {how}: {said}"


def never_ran(reason: str) -> dict[str, Any]:
    """Return the exit of a trial that was killed while it was queued."""
    return Exit(code=None, signal=None, reason="killed", message=f"killed: {reason}").model_dump()


def _lost(message: str) -> dict[str, Any]:
    return Exit(code=None, signal=None, reason="lost", message=message).model_dump()


def _last_sign_of_life(paths: TrialPaths, default: float) -> float:
    times = [f.stat().st_mtime for f in (paths.log, paths.metrics) if f.exists()]
    return max(times, default=default)


def _readable(path: Any) -> dict[str, Any] | None:
    """Return a JSON object from disk, or None where there is none or it cannot be read."""
    try:
        return read_json_object(path)
    except (OSError, ValueError):
        return None

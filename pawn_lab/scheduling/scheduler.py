"""Which queued trial gets which device."""

import os
import secrets
from dataclasses import replace
from typing import NamedTuple

from pawn_lab import failpoints
from pawn_lab.documents import read_json_object
from pawn_lab.executors.executor import Claim, Device, Executor
from pawn_lab.locks import is_locked, sign, try_lock
from pawn_lab.paths import WorkspacePaths
from pawn_lab.reporting import cost
from pawn_lab.scheduling import budget
from pawn_lab.scheduling.speed import Comparables, devices_needed
from pawn_lab.shim.reserve import keep_room
from pawn_lab.states import State
from pawn_lab.store import Transaction, leases, trials
from pawn_lab.store.rows import TrialRow
from pawn_lab.trial_paths import TrialPaths


class Claims(NamedTuple):
    """The trials to be started, and what keeps others from it."""

    ready: list[Claim]
    refusals: list[OSError]

    def release(self) -> None:
        """Let go of our copies of their locks."""
        for claim in self.ready:
            claim.release()


def claim_free_devices(
    tx: Transaction, workspace: WorkspacePaths, executor: Executor, devices: list[Device]
) -> Claims:
    """Move queued trials to `launching`, highest priority first, while devices are free.

    A trial whose folder cannot be written stays queued; so do all while the lab is being closed.
    """
    held = leases.held(tx)
    free = [device for device in devices if device.id not in held]
    queue = trials.queue(tx) if free else []  # reading it takes longer than all the rest
    claims = Claims([], [])
    if queue and (budget.exhausted(tx) or is_locked(workspace.closing_lock)):
        return claims
    answering = executor.load(free) if queue else {}
    free = [device for device in free if device.id in answering]
    timed = bool(queue) and executor.limits_time
    comparables = Comparables(tx, workspace, devices) if timed else None
    hourly = cost.device_rate(tx)
    try:
        for trial in queue:
            count = devices_needed(trial.config)
            if count > len(devices):
                continue
            if count > len(free):
                break  # nothing overtakes it, or many small trials would keep it waiting for ever
            if (lock := _lock(workspace, trial, claims.refusals)) is not None:
                taken, free = free[:count], free[count:]
                expected_s = _expected_s(comparables, trial)
                claim = Claim(trial, taken, len(devices), lock, expected_s, hourly)
                _claim(tx, workspace, trial, claim, claims)
    except BaseException:
        claims.release()
        raise
    return claims


def _expected_s(comparables: Comparables | None, trial: TrialRow) -> float | None:
    """Return the seconds that a trial takes at most, by those like it; None without any."""
    if comparables is None:
        return None
    total = comparables.duration_s(trial.config, trial.from_step)
    return None if total is None else total.high


def _lock(workspace: WorkspacePaths, trial: TrialRow, refusals: list[OSError]) -> int | None:
    """Lock a trial whose end can be recorded; None, with the reason, where it cannot."""
    paths = workspace.trial(trial.id)
    try:
        paths.root.mkdir(exist_ok=True)
        return _take_lock(paths)
    except OSError as error:
        refusals.append(error)
        return None


def _take_lock(paths: TrialPaths) -> int | None:
    """Lock the trial before it is `launching`: a launching trial with a free lock is nobody's."""
    lock = try_lock(paths.alive_lock)
    if lock is not None:
        try:
            sign(lock)
            keep_room(paths.reserve)
        except OSError:
            os.close(lock)
            raise
    failpoints.hit("start.lock-taken")
    return lock


def _claim(
    tx: Transaction, workspace: WorkspacePaths, trial: TrialRow, claim: Claim, claims: Claims
) -> None:
    """Move a trial to `launching`; one that ran already, as its folder says, is not run again."""
    token = _earlier_token(workspace.trial(trial.id))
    row = _launching(tx, trial, claim.devices, token or secrets.token_hex(16))
    if token is None:
        claims.ready.append(replace(claim, trial=row))
    else:
        claim.release()


def _earlier_token(paths: TrialPaths) -> str | None:
    """Return the token of a shim that had this folder: of one started after a backup was made."""
    token = (read_json_object(paths.identity) or {}).get("token")
    return token if isinstance(token, str) else None


def _launching(tx: Transaction, trial: TrialRow, devices: list[Device], token: str) -> TrialRow:
    for device in devices:
        leases.acquire(tx, device.id, trial.id)
    names = ",".join(device.id for device in devices)
    return trials.move(
        tx,
        trial,
        State.LAUNCHING,
        f"launching on {names}",
        {"device": names},
        token=token,
        attempts=trial.attempts + 1,
    )

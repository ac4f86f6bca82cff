"""Which queued trial gets which device."""

import secrets

from pawn_lab import failpoints
from pawn_lab.paths import WorkspacePaths
from pawn_lab.planning import budget
from pawn_lab.planning.speed import devices_needed
from pawn_lab.processes.devices import Device, answering
from pawn_lab.processes.locks import sign, try_lock
from pawn_lab.processes.start import Claim
from pawn_lab.store import Transaction, leases, trials
from pawn_lab.store.database import Row
from pawn_lab.trials.states import State


def claim_free_devices(
    tx: Transaction, workspace: WorkspacePaths, devices: list[Device]
) -> list[Claim]:
    """Move queued trials to `launching`, highest priority first, while devices are free."""
    held = leases.held(tx)
    free = [device for device in devices if device.id not in held]
    queue = trials.queue(tx) if free else []  # reading it takes longer than all the rest
    if queue and budget.exhausted(tx):
        return []
    free = answering(free) if queue else []
    claims: list[Claim] = []
    try:
        for trial in queue:
            count = devices_needed(trial["config"])
            if count > len(devices):
                continue
            if count > len(free):
                break  # nothing overtakes it, or many small trials would keep it waiting for ever
            if (lock := _take_lock(workspace, trial)) is not None:
                taken, free = free[:count], free[count:]
                row = _launching(tx, trial, taken)
                claims.append(Claim(row, taken, len(devices), lock))
    except BaseException:
        for claim in claims:
            claim.release()
        raise
    return claims


def _take_lock(workspace: WorkspacePaths, trial: Row) -> int | None:
    """Lock the trial before it is `launching`: a launching trial with a free lock is nobody's."""
    paths = workspace.trial(trial["id"])
    paths.root.mkdir(exist_ok=True)
    lock = try_lock(paths.alive_lock)
    if lock is not None:
        sign(lock)
    failpoints.hit("start.lock-taken")
    return lock


def _launching(tx: Transaction, trial: Row, devices: list[Device]) -> Row:
    for device in devices:
        leases.acquire(tx, device.id, trial["id"])
    names = ",".join(device.id for device in devices)
    return trials.move(
        tx,
        trial,
        State.LAUNCHING,
        f"launching on {names}",
        {"device": names},
        token=secrets.token_hex(16),
        attempts=trial["attempts"] + 1,
    )

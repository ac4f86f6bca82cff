"""Why a queued trial waits, and how many come before it."""

from typing import NamedTuple

from pawn_lab.executors.executor import Device
from pawn_lab.scheduling import budget
from pawn_lab.scheduling.speed import devices_needed
from pawn_lab.store import Transaction, leases, trials

_MOST_NAMED = 8
APPROVAL = "a person's approval (dashboard, or `pawn-lab approve`)"


class QueuedTrial(NamedTuple):
    """What a queued trial waits for, and the trials before it; None: it is on hold, in no queue."""

    why: str
    ahead: int | None


def waits(tx: Transaction, devices: list[Device]) -> dict[int, QueuedTrial]:
    """Say for each queued trial what it waits for: the queue in its order, then those on hold."""
    on_hold = {row.id: QueuedTrial(APPROVAL, None) for row in trials.holds(tx)}
    return _in_queue(tx, devices) | on_hold


def _in_queue(tx: Transaction, devices: list[Device]) -> dict[int, QueuedTrial]:
    queue, held = trials.queue(tx), leases.held(tx)
    if (spent := budget.exhausted(tx)) is not None:
        return {row.id: QueuedTrial(spent, ahead) for ahead, row in enumerate(queue)}
    holders = [held[device.id] for device in devices if device.id in held]
    free, waiting = len(devices) - len(holders), dict[int, QueuedTrial]()
    for ahead, row in enumerate(queue):
        needed = devices_needed(row.config)
        waiting[row.id] = QueuedTrial(_why(holders, needed, free, len(devices)), ahead)
        if needed <= len(devices):
            free = free - needed if needed <= free else 0
    return waiting


def _why(holders: list[int], needed: int, free: int, machine: int) -> str:
    if needed > machine:
        return f"it needs {needed} devices and the machine has {machine}; kill it"
    if needed <= free:
        return "next to be launched"
    if needed > 1:
        return f"it needs {needed} devices at once; {len(holders)} of {machine} held{_by(holders)}"
    if not holders:
        return "the devices are kept for a trial that needs several"
    return f"every device is held{_by(holders)}"


def _by(holders: list[int]) -> str:
    """Name the trials that hold devices, each once."""
    ids = list(dict.fromkeys(holders))
    if not ids or len(ids) > _MOST_NAMED:
        return ""
    return f", by trial{'s' * (len(ids) > 1)} {', '.join(map(str, ids))}"

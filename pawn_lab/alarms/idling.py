"""Devices that are paid for and do nothing: told once an episode, which the next trial ends.

A device idles while no trial holds it, or while its trial makes no progress by the phase that it
is in: setting up is no idling. A device that does not answer, or on which another program computes,
does not idle as far as we can tell.
"""

import contextlib
import math
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from pawn_lab import clock
from pawn_lab.errors import InvalidRequestError
from pawn_lab.executors.executor import Device, DeviceLoad, Executor
from pawn_lab.paths import WorkspacePaths
from pawn_lab.records import IdleDevice
from pawn_lab.reporting import cost, results
from pawn_lab.reporting.headline import paid
from pawn_lab.reporting.health import SILENT
from pawn_lab.states import State
from pawn_lab.store import Transaction, events, leases, trials
from pawn_lab.store.rows import TrialRow
from pawn_lab.trial_paths import TrialPaths

IDLE_VARIABLE = "PAWN_IDLE_MIN"
DEFAULT_IDLE_MIN = 10.0
"""A device that idles for longer is told of."""
BUSY_PERCENT = 10
"""A GPU that is used more computes for somebody."""

_KIND = "idle"
_MOST_NAMED = 4


def idle_min() -> float:
    """Return for how many minutes a device that is paid for may idle without a word.

    Raises:
        InvalidRequestError: `PAWN_IDLE_MIN` is no positive number.
    """
    given = os.environ.get(IDLE_VARIABLE)
    if not given:
        return DEFAULT_IDLE_MIN
    with contextlib.suppress(ValueError):
        if (minutes := float(given)) > 0:
            return minutes
    raise InvalidRequestError(f"{IDLE_VARIABLE}={given!r} is not allowed: minutes, over 0")


class _Span(NamedTuple):
    """Since when a device has idled, and by which trial that holds it."""

    device: str
    since: float
    trial_id: int | None = None
    health: str | None = None


def watch(
    tx: Transaction, workspace: WorkspacePaths, executor: Executor, devices: Sequence[Device]
) -> None:
    """Append an event for the devices that have begun to cost money for nothing."""
    idle = _idle(tx, workspace, executor, devices)
    known = _told(tx, idle)
    new = [device for device in idle if device not in known]
    free = _answering(executor, devices, [d for d in new if d.trial_id is None])
    if free:
        _tell(tx, free, _free(free, len(devices)))
    for trial_id in sorted({device.trial_id for device in new if device.trial_id is not None}):
        stalled = [device for device in new if device.trial_id == trial_id]
        _tell(tx, stalled, _stalled(stalled))


def told(
    tx: Transaction, workspace: WorkspacePaths, executor: Executor, devices: Sequence[Device]
) -> list[IdleDevice]:
    """Return the idle devices of which an event has told."""
    return _told(tx, _idle(tx, workspace, executor, devices))


def is_busy(load: DeviceLoad | None) -> bool:
    """Say whether a device that no trial holds may compute for somebody, as far as we can tell."""
    return load is None or (load.utilization or 0) >= BUSY_PERCENT


def _idle(
    tx: Transaction, workspace: WorkspacePaths, executor: Executor, devices: Sequence[Device]
) -> list[IdleDevice]:
    """Return the devices that have idled for long enough while they cost something."""
    metered, hourly = cost.metered_since(tx), cost.device_rate(tx)
    if metered is None or not hourly:
        return []
    least_s = 60 * idle_min()
    spans: list[_Span] = [*_without_progress(tx, workspace, metered, least_s)]
    if executor.idle_costs:
        spans += _unheld(tx, devices, max(metered, clock.up_since(tx.now)))
    return [
        IdleDevice(
            device=span.device,
            idle_s=tx.now - span.since,
            hourly=hourly,
            trial_id=span.trial_id,
            health=span.health,
        )
        for span in spans
        if tx.now - span.since > least_s
    ]


def _unheld(tx: Transaction, devices: Sequence[Device], earliest: float) -> Iterator[_Span]:
    """Yield the devices that no trial holds, each with the moment since when."""
    held = leases.held(tx)
    if free := [device.id for device in devices if device.id not in held]:
        released = leases.released(tx)
        for name in free:
            yield _Span(name, max(earliest, released.get(name, earliest)))


def _without_progress(
    tx: Transaction, workspace: WorkspacePaths, earliest: float, least_s: float
) -> Iterator[_Span]:
    """Yield the devices of silent trials, each with the last sign of its trial."""
    silent: dict[int, tuple[float, str]] = {}
    for row in trials.select(tx, {State.RUNNING}):
        since = max(earliest, _last_sign(row, workspace.trial(row.id)))
        if tx.now - since > least_s:  # reading its stream takes longer than all the rest
            health = results.progress(row, workspace.trial(row.id)).health or ""
            if health.startswith(SILENT):
                silent[row.id] = since, health
    if silent:
        for device, trial_id in leases.held(tx).items():
            if trial_id in silent:
                since, health = silent[trial_id]
                yield _Span(device, since, trial_id, health)


def _last_sign(row: TrialRow, paths: TrialPaths) -> float:
    """Return when a trial last gave a sign of progress: a record, or word of its phase."""
    started = row.started_at or row.created_at
    return max(started, _written_at(paths.metrics), _written_at(paths.phase))


def _written_at(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except OSError:
        return 0.0


def _told(tx: Transaction, idle: list[IdleDevice]) -> list[IdleDevice]:
    """Return those of which an event of this episode has told."""
    if not idle:
        return []
    latest: dict[str, float] = {}
    for event in events.of_kind(tx, _KIND, tx.now - max(device.idle_s for device in idle)):
        latest |= dict.fromkeys(event.data.get("devices", []), event.time)
    return [d for d in idle if latest.get(d.device, -math.inf) >= tx.now - d.idle_s]


def _answering(
    executor: Executor, devices: Sequence[Device], idle: list[IdleDevice]
) -> list[IdleDevice]:
    """Leave out the devices that do not answer, or that another program uses."""
    names = {device.device for device in idle}
    loads = executor.load([d for d in devices if d.id in names]) if names else {}
    return [device for device in idle if not is_busy(loads.get(device.device))]


def _tell(tx: Transaction, idle: list[IdleDevice], message: str) -> None:
    data = {
        "devices": [device.device for device in idle],
        "idle_s": round(max(device.idle_s for device in idle)),
        "per_hour": sum(device.hourly for device in idle),
    }
    events.append(tx, _KIND, message, idle[0].trial_id, data)


def _free(idle: list[IdleDevice], count: int) -> str:
    return (
        f"{len(idle)} of {count} devices idle{paid(idle)}: {_names(idle)}; launch or resume a "
        "trial, or stop the machine"
    )


def _stalled(idle: list[IdleDevice]) -> str:
    first, hourly = idle[0], sum(device.hourly for device in idle)
    return (
        f"no progress for {first.idle_s / 60:.0f} min on {_names(idle)}, at {hourly:.3g} an hour "
        f"({first.health}): lab_log(trial_id={first.trial_id}), lab_kill ends it"
    )


def _names(idle: list[IdleDevice]) -> str:
    names = ", ".join(device.device for device in idle[:_MOST_NAMED])
    further = len(idle) - _MOST_NAMED
    return f"{names} and {further} more" if further > 0 else names

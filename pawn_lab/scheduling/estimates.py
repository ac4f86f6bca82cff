"""A launch thought through: where it would run, when, for how long and for how much."""

import heapq
import math
from collections.abc import Sequence
from typing import NamedTuple

from pawn_core.config import RunConfig
from pawn_core.footprint import footprint
from pawn_lab.executors.executor import Device
from pawn_lab.paths import WorkspacePaths
from pawn_lab.records import Estimate, Span
from pawn_lab.reporting import cost, results
from pawn_lab.scheduling import speed
from pawn_lab.scheduling.speed import Comparables
from pawn_lab.store import Transaction, leases, trials
from pawn_lab.trials import known_games, subjects

_HOUR_S = 3600.0
_NO_RATE = "no cost_per_hour: lab_set_cost"


class QueuePlace(NamedTuple):
    """A place in the queue; `starts_in_s` is None where it depends on something unknown."""

    position: int
    starts_in_s: float | None


def place(
    free_in_s: Sequence[float | None], ahead_s: Sequence[float | None], position: int
) -> QueuePlace:
    """Return when the trial after those ahead gets a device.

    free_in_s: seconds until each device is free, 0 for an idle one; ahead_s: how long each trial
    ahead in the queue takes; None: unknown.
    """
    free = [math.inf if seconds is None else seconds for seconds in free_in_s]
    heapq.heapify(free)
    for seconds in ahead_s:
        heapq.heappush(free, heapq.heappop(free) + (math.inf if seconds is None else seconds))
    starts = free[0] if free else math.inf
    return QueuePlace(position, starts if math.isfinite(starts) else None)


def estimate(
    tx: Transaction,
    workspace: WorkspacePaths,
    devices: list[Device],
    config: RunConfig,
    priority: int,
    from_step: int = 0,
) -> Estimate:
    """Return the plan of one trial of this config, were it launched now, from a step on."""
    stored, comparables = known_games.foreseen(tx, config), Comparables(tx, workspace, devices)
    known = comparables.history(stored)
    total = comparables.duration_s(stored, from_step)
    rate = cost.device_rate(tx)
    where = queue_place(tx, workspace, devices, comparables, priority)
    sizes = footprint(subjects.located(config, workspace))
    return Estimate(
        devices=[device.id for device in devices],
        queue_position=where.position,
        starts_in_s=where.starts_in_s,
        steps=stored.target - from_step,
        step_s=_range(known.step_s()),
        total_s=_range(total),
        cost=_range(total, config.gpus * rate / _HOUR_S) if rate is not None else None,
        from_trials=len(known.paces),
        parameters=sizes.parameters if sizes else None,
        state_bytes=sizes.state_bytes if sizes else None,
        measured_bytes=known.memory_bytes,
        unknown=_unknown(config.progress.unit, bool(known.paces), rate is not None, where),
    )


def queue_place(
    tx: Transaction,
    workspace: WorkspacePaths,
    devices: list[Device],
    comparables: Comparables,
    priority: int,
) -> QueuePlace:
    """Return where a new trial of that priority would stand, and when it would start."""
    ahead = [row for row in trials.queue(tx) if row.priority >= priority]
    durations = [
        comparables.duration_s(row.config, row.from_step)
        for row in ahead
        for _ in range(speed.devices_needed(row.config))
    ]
    held = leases.held(tx)
    free_in_s = [
        _remaining_s(tx, workspace, held[device.id]) if device.id in held else 0.0
        for device in devices
    ]
    return place(free_in_s, [total.p50 if total else None for total in durations], len(ahead))


def _remaining_s(tx: Transaction, workspace: WorkspacePaths, trial_id: int) -> float | None:
    return results.progress(trials.get(tx, trial_id), workspace.trial(trial_id)).eta_s


def _range(quantiles: speed.Quantiles | None, factor: float = 1.0) -> Span | None:
    if quantiles is None:
        return None
    return range_of(quantiles.p50 * factor, quantiles.high * factor, quantiles.count)


def range_of(p50: float, high: float, count: int) -> Span:
    """Return a range, whose bad end is named after the number of trials behind it."""
    if count >= speed.FEWEST_FOR_P90:
        return Span(p50=p50, p90=high)
    return Span(p50=p50, most=high if count > 1 else None)


def _unknown(unit: str, has_history: bool, has_rate: bool, where: QueuePlace) -> list[str]:
    """Say why a number is missing."""
    history = f"time and cost: no trial with this cost of a {unit} has run on such a device"
    reasons = {
        history: has_history,
        f"cost: {_NO_RATE}": has_rate,
        "start: a trial before it has no known rate yet": where.starts_in_s is not None,
    }
    return [reason for reason, is_known in reasons.items() if not is_known]

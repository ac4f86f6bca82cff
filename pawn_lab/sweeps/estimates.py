"""What a sweep would take, were every point trained to its end."""

import math

from pawn_core.config import RunConfig
from pawn_lab.executors.executor import Device
from pawn_lab.paths import WorkspacePaths
from pawn_lab.records import Span, SweepEstimate
from pawn_lab.reporting import cost
from pawn_lab.scheduling.estimates import range_of
from pawn_lab.scheduling.speed import Comparables, Quantiles
from pawn_lab.store import Transaction
from pawn_lab.sweeps.plan import SweepPlan
from pawn_lab.sweeps.points import PlannedPoint, points
from pawn_lab.sweeps.queueing import configs_of, reusable
from pawn_lab.trials import checks, known_games
from pawn_lab.trials.launcher import Launcher

_HOUR_S = 3600.0


def estimate(
    tx: Transaction,
    workspace: WorkspacePaths,
    devices: list[Device],
    launcher: Launcher,
    plan: SweepPlan,
) -> SweepEstimate:
    """Add up the device-time of all trials of a plan; early stopping only makes it less.

    Points that are chosen later count as the plan's own config. Of trials that the sweep would take
    from those that ran before only what is left counts.
    """
    comparables, chosen = Comparables(tx, workspace, devices), points(plan)
    taken: dict[int, list[int]] = {}
    totals = []
    for number, point in enumerate(chosen or [PlannedPoint(0, plan.arms[0])] * (plan.points or 0)):
        last = checks.checked_seeds(plan.resolved(point.overrides), plan.seeds)
        for first, whole in zip(configs_of(plan, point), last, strict=True):
            known = reusable(tx, plan, first, launcher)
            done = 0 if known is None else first.target
            if known is not None and chosen:
                taken.setdefault(number, []).append(known)
            if done < whole.target:
                totals.append(_device_time(tx, comparables, whole, done))
    told = [total for total in totals if total is not None]
    rate = cost.device_rate(tx)
    return SweepEstimate(
        trials=len(totals),
        unknown=len(totals) - len(told),
        device_hours=_sum(told, 1 / _HOUR_S),
        cost=_sum(told, rate / _HOUR_S) if rate is not None else None,
        same_as=taken,
    )


def _device_time(
    tx: Transaction, comparables: Comparables, config: RunConfig, done: int
) -> Quantiles | None:
    total = comparables.duration_s(known_games.foreseen(tx, config), done)
    return total and Quantiles(config.gpus * total.p50, config.gpus * total.high, total.count)


def _sum(totals: list[Quantiles], factor: float) -> Span | None:
    if not totals:
        return None
    middle, high = (math.fsum(of_all) for of_all in zip(*(t[:2] for t in totals), strict=True))
    return range_of(factor * middle, factor * high, min(total.count for total in totals))

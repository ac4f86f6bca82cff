"""What a sweep would take, were every point trained to its end."""

import math

from pawn_core.config import RunConfig
from pawn_lab.paths import WorkspacePaths
from pawn_lab.planning.speed import Comparables, Quantiles
from pawn_lab.processes.devices import Device
from pawn_lab.processes.start import Launcher
from pawn_lab.records import Range, SweepForecast
from pawn_lab.reporting import cost
from pawn_lab.store import Transaction, trials
from pawn_lab.sweeps.plan import SweepPlan
from pawn_lab.sweeps.points import points
from pawn_lab.trials import checks, launches

_HOUR_S = 3600.0


def forecast(
    tx: Transaction,
    workspace: WorkspacePaths,
    devices: list[Device],
    launcher: Launcher,
    plan: SweepPlan,
) -> SweepForecast:
    """Add up the device-time of all trials of a plan; early stopping only makes it less.

    Points that are chosen later count as the plan's own config; trials that the sweep would take
    from those that ran before do not count.
    """
    comparables = Comparables(tx, workspace, devices)
    chosen = [point.overrides for point in points(plan)]
    asked = chosen or [plan.arms[0]] * (plan.points or 0)
    configs = [c for own in asked for c in checks.checked_seeds(plan.resolved(own), plan.seeds)]
    fresh = [c for c in configs if trials.spare(tx, launches.fingerprint(c, launcher)) is None]
    totals = [_device_time(comparables, config) for config in fresh]
    known = [total for total in totals if total is not None]
    rate = cost.device_rate(tx)
    return SweepForecast(
        trials=len(totals),
        unknown=len(totals) - len(known),
        device_hours=_sum(known, 1 / _HOUR_S),
        cost=_sum(known, rate / _HOUR_S) if rate is not None else None,
    )


def _device_time(comparables: Comparables, config: RunConfig) -> Quantiles | None:
    total = comparables.duration_s(config.model_dump(mode="json"), 0)
    return total and Quantiles(config.gpus * total.p50, config.gpus * total.p90)


def _sum(totals: list[Quantiles], factor: float) -> Range | None:
    if not totals:
        return None
    return Range(
        p50=factor * math.fsum(total.p50 for total in totals),
        p90=factor * math.fsum(total.p90 for total in totals),
    )

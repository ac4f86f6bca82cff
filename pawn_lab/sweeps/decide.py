"""Which points go on, which are stopped, and on what evidence: pure rules over their standings."""

import statistics
from collections.abc import Sequence
from itertools import groupby, pairwise
from typing import Any, NamedTuple

from pawn_lab.records import Evidence
from pawn_lab.store import sweeps
from pawn_lab.sweeps.plan import EarlyStopping, SweepPlan
from pawn_lab.sweeps.progress import Standing


class Promotion(NamedTuple):
    """A point that goes on from one rung to the next step to pause at; None: to the plan's end."""

    standing: Standing
    rung: int
    until: int | None


class Settled(NamedTuple):
    """A point about which all is decided: its state, its value, why, and the numbers behind it."""

    standing: Standing
    state: str
    value: float | None
    why: str
    evidence: dict[str, Any]


Decision = Promotion | Settled


def decide(plan: SweepPlan, standings: Sequence[Standing], stop: int, more: bool) -> list[Decision]:
    """Return what can be decided now; `more`: further points may still be asked for.

    Only points of one arm are ranked against each other.
    """
    decided: list[Decision] = []
    for _, members in groupby(standings, key=lambda standing: standing.row.arm):
        arm = list(members)
        decided += [d for standing in arm if (d := _ended(standing, stop)) is not None]
        if plan.early_stopping is not None:
            steps = [*plan.rungs(stop), stop]
            for rung, following in pairwise(steps):
                until = following if following != stop else plan.config.get("pause_after_steps")
                decided += _at_rung(plan.early_stopping, arm, rung, until, more)
    return decided


def _ended(standing: Standing, stop: int) -> Settled | None:
    """Settle a point that has failed, or has been trained to the end."""
    if not standing.open or standing.running:
        return None
    if standing.given_up is not None:
        return _hopeless(standing, standing.given_up)
    if standing.broken:
        bad = {str(leaf.id): leaf.state for leaf in standing.leaves}
        return Settled(standing, sweeps.FAILED, None, "a trial of it ended badly", bad)
    if standing.rung == stop:
        value = standing.values.get(stop)
        why = "no validation loss" if value is None else f"val_loss {value:.4g}"
        return Settled(standing, sweeps.COMPLETED, value, why, {})
    return None


def _hopeless(standing: Standing, numbers: Evidence) -> Settled:
    """Settle a point that a trial of another one has beaten, if its forecast is right."""
    low, reference = float(numbers["low"]), float(numbers["reference_loss"])
    why = (
        f"{low:.4g} at step {numbers['at_step']} at best, by its forecast; "
        f"trial {numbers['reference_trial']} has {reference:.4g}"
    )
    return Settled(standing, sweeps.STOPPED, float(numbers["val_loss"]), why, dict(numbers))


def _at_rung(
    rule: EarlyStopping, arm: list[Standing], rung: int, until: int | None, more: bool
) -> list[Decision]:
    """Decide about the points that wait at a rung, given all that have reached it."""
    waiting = [point for point in arm if point.open and point.rung == rung]
    if not waiting:
        return []
    reached = sorted((point for point in arm if rung in point.values), key=lambda e: e.values[rung])
    to_come = more or any(
        point.open and point.running and rung not in point.values for point in arm
    )
    if rule.rule == "asha":
        return _asha(rule, waiting, reached, rung, until, to_come)
    return _median(rule, waiting, reached, rung, until, to_come)


def _asha(
    rule: EarlyStopping,
    waiting: list[Standing],
    reached: list[Standing],
    rung: int,
    until: int | None,
    to_come: bool,
) -> list[Decision]:
    """Promote the best 1/factor of those that got here; stop the rest once nobody else will."""
    keep = len(reached) // rule.factor if to_come else max(1, len(reached) // rule.factor)
    best = {point.number for point in reached[:keep]}
    decided: list[Decision] = [
        Promotion(point, rung, until) for point in waiting if point.number in best
    ]
    if not to_come:
        losers = [point for point in waiting if point.number not in best]
        decided += [_stopped(point, reached, rung, f"asha keeps {keep}") for point in losers]
    return decided


def _median(
    rule: EarlyStopping,
    waiting: list[Standing],
    reached: list[Standing],
    rung: int,
    until: int | None,
    to_come: bool,
) -> list[Decision]:
    """Promote those not worse than the median; with fewer than `least`, wait while some come."""
    if len(reached) < rule.least and to_come:
        return []
    bound = statistics.median(point.values[rung] for point in reached) if reached else 0.0
    return [
        Promotion(point, rung, until)
        if rung in point.values and point.values[rung] <= bound
        else _stopped(point, reached, rung, f"the median is {bound:.4g}")
        for point in waiting
    ]


def _stopped(standing: Standing, reached: list[Standing], rung: int, rule: str) -> Settled:
    value = standing.values.get(rung)
    if value is None:
        why, evidence = f"no validation loss by step {rung}", {"rung": rung}
        return Settled(standing, sweeps.STOPPED, None, why, evidence)
    rank = [other.number for other in reached].index(standing.number) + 1
    why = f"val_loss {value:.4g} at step {rung} is {rank}. of {len(reached)}; {rule}"
    losses = {str(other.number): other.values[rung] for other in reached}
    return Settled(
        standing, sweeps.STOPPED, value, why, {"rung": rung, "val_loss_by_point": losses}
    )

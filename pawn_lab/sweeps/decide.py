"""Which points go on, which are stopped, and on what evidence: pure rules over their standings."""

import statistics
from collections.abc import Sequence
from itertools import groupby
from typing import Any, NamedTuple

from pawn_core.config import RunConfig
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


def decide(plan: SweepPlan, standings: Sequence[Standing], more: bool) -> list[Decision]:
    """Return what can be decided now; `more`: further points may still be asked for.

    Only points of one arm are ranked against each other.
    """
    decided: list[Decision] = []
    for _, members in groupby(standings, key=lambda standing: standing.row.arm):
        arm = list(members)
        decided += [d for standing in arm if (d := _ended(plan, standing)) is not None]
        for step in plan.rungs(max(standing.stop for standing in arm)):
            decided += _at_rung(_rung(plan, arm, step, more), arm)
    return decided


def _ended(plan: SweepPlan, standing: Standing) -> Settled | None:
    """Settle a point that has failed, or has been trained to the end."""
    if not standing.open or standing.running:
        return None
    if standing.given_up is not None:
        return _hopeless(plan, standing, standing.given_up)
    if standing.broken:
        bad = {str(leaf.id): leaf.state for leaf in standing.leaves}
        return Settled(standing, sweeps.FAILED, None, "a trial of it ended badly", bad)
    if standing.rung == standing.stop:
        value = standing.values.get(standing.stop)
        merit = plan.kind.merit
        why = f"no {merit.called}" if value is None else f"{merit.metric} {value:.4g}"
        return Settled(standing, sweeps.COMPLETED, value, why, {})
    return None


def _hopeless(plan: SweepPlan, standing: Standing, numbers: Evidence) -> Settled:
    """Settle a point that a trial of another one has beaten, if its forecast is right."""
    low, reference = float(numbers["low"]), float(numbers["reference_loss"])
    value, unit = float(numbers[plan.kind.merit.metric]), plan.kind.progress.unit
    why = (
        f"{low:.4g} at {unit} {numbers['at_step']} at best, by its forecast; "
        f"trial {numbers['reference_trial']} has {reference:.4g}"
    )
    return Settled(standing, sweeps.STOPPED, value, why, dict(numbers))


class Rung(NamedTuple):
    """A step at which points wait for a rule: which have reached it, best first.

    to_come: whether others may reach it still.
    """

    plan: SweepPlan
    rule: EarlyStopping
    step: int
    reached: list[Standing]
    to_come: bool

    @property
    def kind(self) -> type[RunConfig]:
        """The run type of its points."""
        return self.plan.kind

    def promoted(self, standing: Standing) -> Promotion:
        """Let a point go on to the next rung that comes before its end, or to the plan's end."""
        following = self.step * self.rule.factor
        pause = self.plan.config.get("pause_after_steps")
        return Promotion(standing, self.step, following if following < standing.stop else pause)


def _rung(plan: SweepPlan, arm: list[Standing], step: int, more: bool) -> Rung:
    assert plan.early_stopping is not None
    sign = plan.kind.merit.sign
    reached = [point for point in arm if step in point.values]
    reached.sort(key=lambda point: sign * point.values[step])
    to_come = more or any(
        point.open and point.running and step not in point.values for point in arm
    )
    return Rung(plan, plan.early_stopping, step, reached, to_come)


def _at_rung(rung: Rung, arm: list[Standing]) -> list[Decision]:
    """Decide about the points that wait at a rung, given all that have reached it."""
    waiting = [point for point in arm if point.open and point.rung == rung.step < point.stop]
    if not waiting:
        return []
    return _asha(rung, waiting) if rung.rule.rule == "asha" else _median(rung, waiting)


def _asha(rung: Rung, waiting: list[Standing]) -> list[Decision]:
    """Promote the best 1/factor of those that got here; stop the rest once nobody else will."""
    share = len(rung.reached) // rung.rule.factor
    keep = share if rung.to_come else max(1, share)
    best = {point.number for point in rung.reached[:keep]}
    decided: list[Decision] = [rung.promoted(point) for point in waiting if point.number in best]
    if not rung.to_come:
        losers = [point for point in waiting if point.number not in best]
        decided += [_stopped(rung, point, f"asha keeps {keep}") for point in losers]
    return decided


def _median(rung: Rung, waiting: list[Standing]) -> list[Decision]:
    """Promote those not worse than the median; with fewer than `least`, wait while some come."""
    if len(rung.reached) < rung.rule.least and rung.to_come:
        return []
    values = [point.values[rung.step] for point in rung.reached]
    bound = statistics.median(values) if values else 0.0
    return [
        rung.promoted(point)
        if rung.step in point.values and not rung.kind.merit.beats(bound, point.values[rung.step])
        else _stopped(rung, point, f"the median is {bound:.4g}")
        for point in waiting
    ]


def _stopped(rung: Rung, standing: Standing, rule: str) -> Settled:
    value, merit = standing.values.get(rung.step), rung.kind.merit
    at = f"{rung.kind.progress.unit} {rung.step}"
    if value is None:
        why, evidence = f"no {merit.called} by {at}", {"rung": rung.step}
        return Settled(standing, sweeps.STOPPED, None, why, evidence)
    place = [other.number for other in rung.reached].index(standing.number) + 1
    why = f"{merit.metric} {value:.4g} at {at} is {place}. of {len(rung.reached)}; {rule}"
    values = {str(other.number): other.values[rung.step] for other in rung.reached}
    evidence = {"rung": rung.step, f"{merit.metric}_by_point": values}
    return Settled(standing, sweeps.STOPPED, value, why, evidence)

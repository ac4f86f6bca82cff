"""A sweep as lab_sweep shows it: its points, the best of each arm, what comes next."""

from itertools import groupby
from typing import Any, ClassVar

from pawn_lab.lab import Lab
from pawn_lab.records import Sweep, SweepEstimate, SweepPoint
from pawn_lab.store.sweeps import ACTIVE
from pawn_lab.sweeps.plan import SweepPlan
from pawn_lab.sweeps.points import by_run, points
from pawn_lab.tools import remarks
from pawn_lab.tools.launch_views import RangeRow, range_row
from pawn_lab.tools.reading import Reading
from pawn_lab.tools.trial_views import setting_text
from pawn_lab.tools.values import Answer, Number, Table


class PointRow(Answer):
    """A point of an arm; val_loss is that at `step`, the mean over its seeds.

    same_as: of a dry run, trials that are taken, not run again.
    """

    point: int
    arm: int | None = None
    setting: str
    state: str | None = None
    step: int | None = None
    val_loss: Number = None
    trials: list[int] | None = None
    same_as: list[int] | None = None


class BestRow(Answer):
    """The point of an arm with the lowest loss, how far the next one is behind, and an open end.

    edge: fields whose best value is the lowest or highest tried: go on there.
    """

    arm: int | None = None
    point: int
    setting: str
    val_loss: Number = None
    ahead_of: int | None = None
    by: Number = None
    edge: list[str] | None = None


class TotalRow(Answer):
    """All new trials together, from history: sums of their medians and bad ends.

    `unknown` trials are not in the sums.
    """

    trials: int
    device_hours: RangeRow | None = None
    cost: RangeRow | None = None
    unknown: int | None = None


class SweepAnswer(Reading):
    """A sweep; its trials carry `tag`. arms: their settings, which `arm` counts from 0.

    repeated: it existed. best: of each arm. total: what a dry run expects.
    """

    cuttable: ClassVar = ("points",)
    narrower: ClassVar = "lab_results(tag=...) has their trials"

    sweep_id: int | None = None
    state: str | None = None
    tag: str | None = None
    repeated: bool | None = None
    asked: int | None = None
    of: int | None = None
    arms: list[str] | None = None
    best: Table[BestRow] | None = None
    points: Table[PointRow]
    total: TotalRow | None = None
    warnings: list[str] | None = None
    next_call: str | None = None


def sweep_answer(sweep: Sweep, known: bool = False) -> SweepAnswer:
    """Show a sweep as it stands."""
    return SweepAnswer(
        sweep_id=sweep.id,
        state=sweep.state,
        tag=sweep.tag,
        repeated=known or None,
        asked=sweep.asked if sweep.asked != sweep.of else None,
        of=sweep.of if sweep.asked != sweep.of else None,
        arms=_arms(sweep.arms),
        best=_best(sweep) or None,
        points=[_row(sweep, point) for point in sweep.points],
        warnings=sweep.warnings or None,
        next_call=_next_call(sweep),
    )


def planned_answer(lab: Lab, plan: SweepPlan, estimate: SweepEstimate) -> SweepAnswer:
    """Show a dry run."""
    total = TotalRow(
        trials=estimate.trials,
        device_hours=range_row(estimate.device_hours),
        cost=range_row(estimate.cost),
        unknown=estimate.unknown or None,
    )
    rows = [
        PointRow(
            point=number,
            arm=point.arm if len(plan.arms) > 1 else None,
            setting=_own(point.overrides, plan.arms, point.arm),
            same_as=estimate.same_as.get(number),
        )
        for number, point in enumerate(points(plan))
    ]
    return SweepAnswer(
        sweep_id=estimate.repeats,
        repeated=estimate.repeats is not None or None,
        arms=_arms(plan.arms),
        points=rows,
        total=total if estimate.repeats is None else None,
        warnings=estimate.warnings + plan_warnings(lab, plan) or None,
    )


def plan_warnings(lab: Lab, plan: SweepPlan) -> list[str]:
    """Say which points are one run, and what has no effect."""
    runs = by_run(plan)
    settings = [members[0].overrides for members in runs] or [plan.arms[0]]
    configs = [plan.resolved(own).model_dump(mode="json") for own in settings]
    return [
        f"{setting_text(point.overrides) or 'the config'} is the same run as point {number}"
        for number, (_, *further) in enumerate(runs)
        for point in further
    ] + remarks.points_without_effect(lab, configs)


def _arms(arms: list[dict[str, Any]]) -> list[str] | None:
    return [setting_text(arm) or "as the config" for arm in arms] if len(arms) > 1 else None


def _own(overrides: dict[str, Any], arms: list[dict[str, Any]], arm: int) -> str:
    """Return what a point sets; where there are several arms, beside its arm."""
    if len(arms) == 1:
        return setting_text(overrides)
    return setting_text({n: value for n, value in overrides.items() if n not in arms[arm]})


def _row(sweep: Sweep, point: SweepPoint) -> PointRow:
    return PointRow(
        point=point.number,
        arm=point.arm if len(sweep.arms) > 1 else None,
        setting=_own(point.overrides, sweep.arms, point.arm),
        state=point.state,
        step=point.step,
        val_loss=point.value,
        trials=point.trials,
    )


def _best(sweep: Sweep) -> list[BestRow]:
    """Return the best point of each arm in which two have a loss at the last step of the best."""
    found = []
    for arm, members in groupby(sweep.points, key=lambda point: point.arm):
        tried = list(members)
        valued = [point for point in tried if point.value is not None]
        last = max((point.step or 0 for point in valued), default=0)
        ranked = sorted((p for p in valued if p.step == last), key=lambda p: p.value or 0.0)
        if len(ranked) > 1:
            found.append(_best_row(sweep, arm, ranked, tried))
    return found


def _best_row(sweep: Sweep, arm: int, ranked: list[SweepPoint], tried: list[SweepPoint]) -> BestRow:
    first, second = ranked[:2]
    return BestRow(
        arm=arm if len(sweep.arms) > 1 else None,
        point=first.number,
        setting=_own(first.overrides, sweep.arms, arm),
        val_loss=first.value,
        ahead_of=second.number,
        by=(second.value or 0.0) - (first.value or 0.0),
        edge=_edges(first, tried, sweep.arms[arm]) or None,
    )


def _edges(best: SweepPoint, tried: list[SweepPoint], arm: dict[str, Any]) -> list[str]:
    """Return the numbers that the best has lower or higher than every other point."""
    edges = []
    for name, value in best.overrides.items():
        values = {point.overrides[name] for point in tried if name in point.overrides}
        numbers = {each for each in values if type(each) in (int, float)}
        if name not in arm and len(numbers) > 1 and value in (min(numbers), max(numbers)):
            edges.append(f"{name} {'lowest' if value == min(numbers) else 'highest'} tried")
    return edges


def _next_call(sweep: Sweep) -> str | None:
    """Return the call that decides between the points of a sweep that has ended."""
    if sweep.state == ACTIVE or not any(point.value is not None for point in sweep.points):
        return None
    compare = f"lab_compare(tag='{sweep.tag}') says whether a difference is more than noise"
    if sweep.seeds > 1:
        return compare
    return f"lab_launch(config, seeds=3, tags=['{sweep.tag}']) of the best, then {compare}"

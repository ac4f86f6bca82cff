"""lab_sweep: many trials from one plan, in one call."""

from typing import Annotated, Any, ClassVar

from pydantic import Field

from pawn_lab.configs import StoredConfig, setting_text
from pawn_lab.errors import InvalidRequestError
from pawn_lab.lab import Lab, sweeping
from pawn_lab.records import Sweep, SweepEstimate, SweepPoint
from pawn_lab.store.sweeps import ACTIVE
from pawn_lab.sweeps.leaders import Leader, leaders
from pawn_lab.sweeps.plan import SweepPlan, checked_plan, read_plan
from pawn_lab.sweeps.points import by_run, points
from pawn_lab.tools import remarks
from pawn_lab.tools.launch import IdempotencyKey, RangeRow, range_row
from pawn_lab.tools.questions import MaxTokens, Question, Reading, Since
from pawn_lab.tools.registry import LabTool
from pawn_lab.tools.values import Answer, JsonObject, Number, RunRow, Table


class PointRow(RunRow):
    """A point of an arm; its value is that at `step`, the mean over its seeds.

    same_as: of a dry run, trials that are taken, not run again.
    """

    named: ClassVar = {"step": "{unit}", "value": "{metric}"}

    point: int
    arm: int | None = None
    setting: str
    state: str | None = None
    step: int | None = None
    value: Number = None
    trials: list[int] | None = None
    same_as: list[int] | None = None


class BestRow(RunRow):
    """The best point of an arm, how far the next one is behind, and an open end.

    edge: fields whose best value is the lowest or highest tried: go on there.
    """

    named: ClassVar = {"value": "{metric}"}

    arm: int | None = None
    point: int
    setting: str
    value: Number = None
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
        best=[_best_row(sweep, leader) for leader in leaders(sweep)] or None,
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
    configs = [StoredConfig.of(plan.resolved(own)) for own in settings]
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
    return PointRow.for_kind(
        sweep.config.kind,
        point=point.number,
        arm=point.arm if len(sweep.arms) > 1 else None,
        setting=_own(point.overrides, sweep.arms, point.arm),
        state=point.state,
        step=point.step,
        value=point.value,
        trials=point.trials,
    )


def _best_row(sweep: Sweep, leader: Leader) -> BestRow:
    best = leader.best
    return BestRow.for_kind(
        sweep.config.kind,
        arm=leader.arm if len(sweep.arms) > 1 else None,
        point=best.number,
        setting=_own(best.overrides, sweep.arms, leader.arm),
        value=best.value,
        ahead_of=leader.second.number,
        by=leader.ahead_by,
        edge=leader.edges or None,
    )


def _next_call(sweep: Sweep) -> str | None:
    """Return the call that decides between the points of a sweep that has ended."""
    if sweep.state == ACTIVE or not any(point.value is not None for point in sweep.points):
        return None
    compare = f"lab_compare(tag='{sweep.tag}') says whether a difference is more than noise"
    if sweep.seeds > 1:
        return compare
    return f"lab_launch(config, seeds=3, tags=['{sweep.tag}']) of the best, then {compare}"


def lab_sweep(
    lab: Lab,
    plan: Annotated[str | None, Field(description="As plans/NAME.json.")] = None,
    settings: Annotated[
        JsonObject | None,
        Field(description="Plan, or changes to it."),
    ] = None,
    sweep_id: Annotated[int | None, Field(description="To look at.")] = None,
    stop: Annotated[bool, Field(description="With sweep_id: no more points.")] = False,
    dry_run: Annotated[bool, Field(description="Only points, time, cost.")] = False,
    idempotency_key: IdempotencyKey = None,
    since: Since = None,
    max_tokens: MaxTokens = 4000,
) -> SweepAnswer:
    """Launch many trials from one plan, and let rules stop the worse ones early.

    settings: {config, space: {lr: [1e-4, 3e-4] or {low, high, log}}, arms: [{mate_boost: 1}],
    method: grid|random|tpe, points, seeds, early_stopping: {rule: asha|median|forecast, first_rung,
    factor}, tags, hypothesis}.

    Each arm is crossed with the space. Also priority, parallel (tpe) and sampler_seed; points are
    of random and tpe. Points are ranked within an arm. asha and median pause at rungs (first_rung x
    factor^k steps), resume the better and leave the others paused, with the ranking in an
    early_stop event; forecast stops a trial that is expected to end worse than another point has
    got. It goes on with no server running. A repeated call returns the first sweep;
    lab_results(tag=...) compares its trials.
    """
    asked = ("sweep", plan, settings, sweep_id)
    question = Question.of(lab, asked, since, max_tokens)
    if sweep_id is not None:
        _refuse_both(plan, settings, dry_run)
        seen = sweeping.stop(lab, sweep_id) if stop else sweeping.get(lab, sweep_id)
        return question.answered(sweep_answer(seen))
    if stop:
        raise InvalidRequestError("stop True needs sweep_id: the sweep to stop")
    whole = _whole(lab, plan, settings)
    if dry_run:
        planned = sweeping.planned(lab, whole)
        return question.answered(planned_answer(lab, checked_plan(whole), planned))
    sweep, known = sweeping.start(lab, whole, idempotency_key=idempotency_key)
    answer = sweep_answer(sweep, known)
    answer.warnings = sweep.warnings + plan_warnings(lab, checked_plan(whole)) or None
    return question.answered(answer)


def _whole(lab: Lab, plan: str | None, settings: dict[str, Any] | None) -> dict[str, Any]:
    """Return the committed plan with the settings over it; those of its config one by one."""
    if plan is None and settings is None:
        raise InvalidRequestError("lab_sweep needs plan, settings, or sweep_id")
    whole = read_plan(lab.paths, plan) if plan is not None else {}
    changes = dict(settings or {})
    if isinstance(changes.get("config"), dict) and isinstance(whole.get("config"), dict):
        changes["config"] = whole["config"] | changes["config"]
    return whole | changes


def _refuse_both(plan: str | None, settings: dict[str, Any] | None, dry_run: bool) -> None:
    if plan is not None or settings is not None or dry_run:
        raise InvalidRequestError("sweep_id looks at a sweep: leave out plan, settings and dry_run")


TOOL = LabTool(lab_sweep, title="Sweep over settings", creates=True)

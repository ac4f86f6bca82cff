"""lab_launch: put a new trial in the queue."""

from typing import Annotated, Any, ClassVar

from pydantic import Field

from pawn_core.config import RunConfig
from pawn_lab.analysis import neighbours
from pawn_lab.configs import StoredConfig
from pawn_lab.lab import Lab, launching, queries
from pawn_lab.records import Estimate, Evaluation, Launched, Span
from pawn_lab.tools import remarks
from pawn_lab.tools.check_in import check_in
from pawn_lab.tools.registry import LabTool
from pawn_lab.tools.values import Answer, JsonObject, Number, RunRow, compact

NEAREST = 3
_GIB = 1 << 30


class RangeRow(Answer):
    """Of comparable trials; most: of two to nine."""

    p50: Number = None
    p90: Number = None
    most: Number = None


class NearRow(RunRow):
    """A past trial like this one; `differs` holds `[its value, this value]` by field."""

    named: ClassVar = {"best_value": "best_{metric}", "at_step": "at_{unit}"}

    trial_id: int
    state: str
    differs: dict[str, list[Any]]
    best_value: Number = None
    at_step: int | None = None


class PlanRow(RunRow):
    """What one trial would take; unknown: why a number is missing.

    state_gib: weights, gradients and optimizer state. measured_gib: most of comparable trials.
    """

    named: ClassVar = {"steps": "{unit}s", "step_s": "{unit}_s"}

    config: dict[str, Any]
    devices: list[str]
    queue_position: int
    starts_in_s: Number = None
    steps: int
    step_s: RangeRow | None = None
    total_s: RangeRow | None = None
    cost: RangeRow | None = None
    from_trials: int
    parameters: int | None = None
    state_gib: Number = None
    measured_gib: Number = None
    unknown: list[str] | None = None
    nearest: list[NearRow] | None = None
    duplicates: list[int] | None = None
    confounds: list[str] | None = None


class LaunchAnswer(Answer):
    """The first trial of a launch; trial_ids: all of several.

    repeated: those that existed, now with the tags, or of a dry run would be returned.
    """

    trial_id: int | None = None
    trial_ids: list[int] | None = None
    state: str | None = None
    tags: list[str] | None = None
    device: str | None = None
    why_waiting: str | None = None
    repeated: list[int] | None = None
    next_check_s: int | None = None
    warnings: list[str] | None = None
    plan: PlanRow | None = None


def launch_answer(lab: Lab, launched: Launched) -> LaunchAnswer:
    """Show the trials of one launch."""
    first = launched.trials[0]
    ids = [trial.id for trial in launched.trials]
    return LaunchAnswer(
        trial_id=first.id,
        trial_ids=ids if len(ids) > 1 else None,
        state=first.state,
        tags=first.tags or None,
        device=first.device,
        why_waiting=first.why_waiting,
        repeated=launched.known or None,
        next_check_s=check_in(lab).next_check_s,
        warnings=launched.warnings + remarks.no_effect(lab, launched.config) or None,
    )


def planned_launch(lab: Lab, config: RunConfig, estimate: Estimate, seeds: int) -> LaunchAnswer:
    """Show a dry run, with the past trials that it resembles."""
    stored, past = StoredConfig.of(config), queries.trials(lab)
    near = neighbours.nearest(stored, past, NEAREST)
    plan = plan_row(stored, estimate)
    plan.nearest = _near_rows(lab, near) or None
    plan.duplicates = neighbours.duplicates(stored, past) or None
    plan.confounds = neighbours.confounds(near) or None
    return LaunchAnswer(
        plan=plan,
        repeated=launching.repeated(lab, config, seeds) or None,
        warnings=estimate.warnings + remarks.no_effect(lab, stored) or None,
    )


def plan_row(config: StoredConfig, estimate: Estimate) -> PlanRow:
    """Show what a trial would take."""
    return PlanRow.for_kind(
        config.kind,
        config=config.beyond_defaults,
        devices=estimate.devices,
        queue_position=estimate.queue_position,
        starts_in_s=estimate.starts_in_s,
        steps=estimate.steps,
        step_s=range_row(estimate.step_s),
        total_s=range_row(estimate.total_s),
        cost=range_row(estimate.cost),
        from_trials=estimate.from_trials,
        parameters=estimate.parameters,
        state_gib=_gib(estimate.state_bytes),
        measured_gib=_gib(estimate.measured_bytes),
        unknown=estimate.unknown or None,
    )


def _near_rows(lab: Lab, near: list[neighbours.Neighbour]) -> list[NearRow]:
    bests: dict[int, list[Evaluation]] = {each.trial.id: [] for each in near}
    for result in queries.results(lab, bests) if near else []:
        bests[result.id] += [result.best] if result.best else []
    return [_near_row(each, bests[each.trial.id]) for each in near]


def _near_row(near: neighbours.Neighbour, bests: list[Evaluation]) -> NearRow:
    kind = near.trial.config.kind
    best = min(bests, key=lambda evaluation: kind.merit.rank(evaluation.metrics), default=None)
    return NearRow.for_kind(
        kind,
        trial_id=near.trial.id,
        state=near.trial.state,
        differs={name: [compact(v) for v in pair] for name, pair in near.differs.items()},
        best_value=best.metrics.get(kind.merit.metric) if best else None,
        at_step=best.step if best else None,
    )


def range_row(values: Span | None) -> RangeRow | None:
    """Show a range; None stays None."""
    return RangeRow(p50=values.p50, p90=values.p90, most=values.most) if values else None


def _gib(size: int | None) -> float | None:
    return None if size is None else size / _GIB


IdempotencyKey = Annotated[
    str | None,
    Field(description="For a repeated call."),
]
Tags = Annotated[list[str] | None, Field(description="To filter by.")]
Priority = Annotated[int, Field(description="Higher starts earlier.")]
Hold = Annotated[bool, Field(description="Ask a person first.")]


def lab_launch(
    lab: Lab,
    config: Annotated[JsonObject, Field(description="Fields: lab_schema.")],
    tags: Tags = None,
    hypothesis: Annotated[str | None, Field(description="What you expect, why.")] = None,
    priority: Priority = 0,
    idempotency_key: IdempotencyKey = None,
    gpus: Annotated[int | None, Field(description="Devices at once.")] = None,
    seeds: Annotated[int, Field(description="Trials differing in seed.")] = 1,
    max_hours: Annotated[float | None, Field(description="Then save and stop.")] = None,
    stop_by_forecast: Annotated[
        bool,
        Field(description="Stop what a like trial beats."),
    ] = False,
    hold: Hold = False,
    dry_run: Annotated[bool, Field(description="Only tell time, cost.")] = False,
) -> LaunchAnswer:
    """Queue a trial; it starts as soon as a device is free.

    The same config, seeds and code start nothing twice, but for an idempotency_key.

    Launch as many as you like: the lab runs them in order as devices come free, and `why_waiting`
    says what a queued trial waits for. They outlive this server. To compare settings cheaply, set
    `pause_after_steps`, look at lab_results, then lab_resume the best. A bad config is refused at
    once with the reason. A trial that failed is launched again by the same call. `seeds` count up
    from the config's. stop_by_forecast: once its forecast lies wholly above what a trial that
    differs in lr, schedule, decay or clipping alone has got. hold: what is new waits until a person
    approves it, whom the headline of lab_status and the dashboard ask; lab_wait(until="approved")
    ends with that. dry_run gives time, cost, memory,
    duplicates and confounds, the resolved config, queue position and start, and the median of
    comparable trials with the 90th percentile of ten, or the most of fewer.
    """
    if dry_run:
        planned = launching.estimate(lab, config, priority=priority, gpus=gpus)
        return planned_launch(lab, *planned, seeds if idempotency_key is None else 0)
    launched = launching.launch_group(
        lab,
        config,
        seeds=seeds,
        once=idempotency_key is None,
        tags=tags or [],
        hypothesis=hypothesis,
        priority=priority,
        idempotency_key=idempotency_key,
        gpus=gpus,
        max_hours=max_hours,
        stop_by_forecast=stop_by_forecast,
        hold=hold,
    )
    return launch_answer(lab, launched)


TOOL = LabTool(lab_launch, title="Launch a trial", creates=True)

"""lab_launch: put a new trial in the queue."""

from typing import Annotated

from pydantic import Field

from pawn_lab.lab import Lab
from pawn_lab.tools.launch_views import LaunchAnswer, launch_answer, planned_launch
from pawn_lab.tools.registry import LabTool
from pawn_lab.tools.values import JsonObject

IdempotencyKey = Annotated[
    str | None,
    Field(description="For a repeated call."),
]
Tags = Annotated[list[str] | None, Field(description="Names to filter by.")]
Priority = Annotated[int, Field(description="Higher starts earlier.")]


def lab_launch(
    lab: Lab,
    config: Annotated[JsonObject, Field(description="Fields: lab_schema.")],
    tags: Tags = None,
    hypothesis: Annotated[str | None, Field(description="What you expect, why.")] = None,
    priority: Priority = 0,
    idempotency_key: IdempotencyKey = None,
    gpus: Annotated[int | None, Field(description="Devices at once.")] = None,
    seeds: Annotated[int, Field(description="Trials that differ in seed.")] = 1,
    max_hours: Annotated[float | None, Field(description="Then save and stop.")] = None,
    stop_by_forecast: Annotated[
        bool,
        Field(description="Stop what a like trial beats."),
    ] = False,
    dry_run: Annotated[bool, Field(description="Launch nothing.")] = False,
) -> LaunchAnswer:
    """Queue a trial; it starts as soon as a device is free and outlives this server.

    The same config, seeds and code start nothing twice, but for an idempotency_key of your own.
    dry_run tells time, cost, memory, duplicates and confounds.

    Launch as many as you like: the lab runs them in order as devices come free, and `why_waiting`
    says what a queued trial waits for. To compare settings cheaply, set `pause_after_steps`, look
    at lab_results, then lab_resume the best. A bad config is refused at once with the reason.
    A trial that failed is launched again by the same call. `seeds` count up from the config's.
    stop_by_forecast: once its forecast lies wholly above what a trial that differs in lr, schedule,
    decay or clipping alone has got. dry_run gives the resolved config, queue position and start,
    and the median of comparable trials with the 90th percentile of ten, or the most of fewer.
    """
    if dry_run:
        planned = lab.estimate(config, priority=priority, gpus=gpus)
        return planned_launch(lab, *planned, seeds if idempotency_key is None else 0)
    launched = lab.launch_group(
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
    )
    return launch_answer(lab, launched)


TOOL = LabTool(lab_launch, title="Launch a trial", creates=True)

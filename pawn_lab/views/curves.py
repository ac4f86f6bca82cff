"""The curves of trials, thinned without losing a spike, and the mean of each group of seeds."""

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Field

from pawn_core.config.facts import Metric
from pawn_lab.analysis.curves import Axis
from pawn_lab.analysis.groups import labels
from pawn_lab.analysis.traces import Trace, Traces
from pawn_lab.errors import InvalidRequestError
from pawn_lab.lab import Lab, queries
from pawn_lab.records import Trial
from pawn_lab.views import groups, thinning
from pawn_lab.views.metrics import resolved
from pawn_lab.views.reading import ready
from pawn_lab.views.view import View

MOST_METRICS = 24
AXES: tuple[Axis, ...] = ("step", "tokens", "hours", "cost")
_METRIC = "metric:"

MetricNames = Annotated[list[str] | None, Field(max_length=MOST_METRICS)]
Most = Annotated[int, Field(ge=thinning.LEAST_POINTS, le=20_000)]


def curves(
    lab: Lab,
    trials: list[int] | None = None,
    tag: str | None = None,
    metrics: MetricNames = None,
    x: str = "step",
    most: Most = 1000,
    low: float | None = None,
    high: float | None = None,
    singles: bool = True,
) -> dict[str, Any]:
    """Return the curves of metrics along an axis: step, tokens, hours, cost or metric:NAME.

    A curve has at most `most` points: of fixed buckets the least and the largest. `low` and
    `high` choose a part of the axis, of which finer points are shown. Groups are of all trials
    asked for; without `singles` they come alone.
    """
    read = ready(lab, queries.selected(lab, trials, tag))
    chosen = [resolved(lab, read.trials, name) for name in metrics or [None]]
    traces = Traces(lab, read.trials)
    axis = axis_named(lab, read.trials, x)
    found = [traces.of(run, chosen, axis) for run in traces.runs]
    names = dict(zip((run.name for run in traces.runs), labels(traces.runs), strict=True))
    answers = [
        groups.grouped([own[n] for own in found if len(own[n].y)]) for n in range(len(chosen))
    ]
    of_group = {run: label for answer in answers for run, label in answer.members.items()}
    part = thinning.Part(low, high, most)
    return {
        "x": x,
        "metrics": [metric._asdict() for metric in chosen],
        "curves": [
            _curve(trace, names[trace.run.name], of_group.get(trace.run.name), part)
            for own in (found if singles else [])
            for trace in own
            if len(trace.y)
        ],
        "groups": [group.shown(part) for answer in answers for group in answer.groups],
        "pending": read.pending,
    }


def axis_named(lab: Lab, trials: Sequence[Trial], name: str) -> Axis | Metric:
    """Return an axis: one of `AXES`, or a metric of the trials.

    Raises:
        InvalidRequestError: it is neither.
    """
    for axis in AXES:
        if name == axis:
            return axis
    if name.startswith(_METRIC):
        return resolved(lab, trials, name.removeprefix(_METRIC))
    allowed = ", ".join([*AXES, f"{_METRIC}NAME"])
    raise InvalidRequestError(f"x {name[:100]!r} is not allowed; one of: {allowed}")


def _curve(trace: Trace, label: str, group: str | None, part: thinning.Part) -> dict[str, Any]:
    where = part.of(trace.x, trace.y)
    return {
        "trial": trace.run.id,
        "variant": trace.run.variant,
        "label": label,
        "group": group,
        "metric": trace.metric.name,
        "x": trace.x[where],
        "y": trace.y[where],
        "seen": len(trace.y),
        "sampled": len(where) < part.count(trace.x),
    }


CURVES = View(curves, title="Curves of trials and means of groups")

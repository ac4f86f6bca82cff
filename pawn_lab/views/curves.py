"""The curves of trials, thinned without losing a spike, and the mean of each group of seeds."""

from collections.abc import Sequence
from typing import Annotated, Any, TypeVar

from pydantic import Field

from pawn_core.config.facts import Metric
from pawn_lab.analysis.curves import Axis
from pawn_lab.analysis.groups import labels
from pawn_lab.analysis.traces import Trace, Traces
from pawn_lab.errors import InvalidRequestError
from pawn_lab.lab import Lab, queries
from pawn_lab.records import Trial
from pawn_lab.views import groups, growing, happened
from pawn_lab.views.groups import GroupCurve
from pawn_lab.views.growing import Cursor, Drawn, Layout, Question
from pawn_lab.views.metrics import resolved
from pawn_lab.views.reading import ready
from pawn_lab.views.thinning import LEAST_POINTS, Part
from pawn_lab.views.view import View

MOST_METRICS = 24
MOST_POINTS = 60_000
"""Of the curves of an answer together, and of its groups: of many each has fewer."""
AXES: tuple[Axis, ...] = ("step", "tokens", "hours", "cost")
_METRIC = "metric:"
_COLUMNS = 2
"""A mean's numbers are twice those of a curve."""

T = TypeVar("T")
Json = dict[str, Any]
MetricNames = Annotated[list[str] | None, Field(max_length=MOST_METRICS)]
Most = Annotated[int, Field(ge=LEAST_POINTS, le=20_000)]


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
    since: str | None = None,
) -> Json:
    """Return the curves of metrics along an axis: step, tokens, hours, cost or metric:NAME.

    A curve has at most `most` points, fewer where there are many curves: of fixed buckets the
    least and the largest. `low` and `high` choose a part of the axis, of which finer points are
    shown. Groups are of all trials asked for; without `singles` they come alone. With the cursor of
    an earlier answer to the same question only the points that came since, unless `whole` says that
    all are there anew.
    """
    asked = Question(
        lab.paths.root, _fixed(trials), tag, _fixed(metrics), x=x, most=most, singles=singles
    )
    if since is not None and (news := growing.news(lab, asked, Cursor.parse(since))):
        return news
    event = queries.latest_event(lab)
    read = ready(lab, queries.selected(lab, trials, tag))
    chosen = [resolved(lab, read.trials, name) for name in metrics or [None]]
    traces = Traces(lab, read.trials)
    drawn = _drawn(traces, chosen, axis_named(lab, read.trials, x))
    layout = growing.remembered(asked, Layout.of(drawn))
    means = [group for grouped in drawn.grouped for group in grouped.groups]
    return {
        "x": x,
        "metrics": [metric._asdict() for metric in chosen],
        "curves": _curves(drawn, layout, Part(low, high, most)) if singles else [],
        "groups": _groups(means, Part(low, high, most)),
        "marks": happened.marks(lab, traces, drawn.axis, drawn.labels),
        "bands": happened.bands(drawn.traces, drawn.labels) if x == "step" else [],
        "floors": happened.floors(traces, chosen),
        "pending": read.pending,
        "whole": True,
        "cursor": str(growing.cursor(lab, event, drawn, read.pending)),
    }


def _fixed(items: list[T] | None) -> tuple[T, ...] | None:
    return None if items is None else tuple(items)


def _drawn(traces: Traces, metrics: list[Metric], axis: Axis | Metric) -> Drawn:
    found = [traces.of(run, metrics, axis) for run in traces.runs]
    of_metrics = ([own[n] for own in found if len(own[n].y)] for n in range(len(metrics)))
    names = (run.name for run in traces.runs)
    return Drawn(
        metrics=metrics,
        axis=axis,
        traces=found,
        labels=dict(zip(names, labels(traces.runs), strict=True)),
        grouped=[groups.grouped(own) for own in of_metrics],
    )


def _curves(drawn: Drawn, layout: Layout, part: Part) -> list[Json]:
    shown = [trace for own in drawn.traces for trace in own if len(trace.y)]
    part = _shared(part, len(shown))
    return [layout.named(trace) | _points(trace, part) for trace in shown]


def _groups(means: list[GroupCurve], part: Part) -> list[Json]:
    part = _shared(part, _COLUMNS * len(means))
    return [mean.shown(part.of(mean.x, mean.mean)) for mean in means]


def _shared(part: Part, count: int) -> Part:
    """Return what each of so many may show that all together show no more than they may."""
    each = min(part.most, MOST_POINTS // max(1, count))
    return part._replace(most=max(LEAST_POINTS, each))


def _points(trace: Trace, part: Part) -> Json:
    where = part.of(trace.x, trace.y)
    return {
        "x": trace.x[where],
        "y": trace.y[where],
        "seen": len(trace.y),
        "sampled": len(where) < part.count(trace.x),
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


CURVES = View(curves, title="Curves of trials and means of groups")

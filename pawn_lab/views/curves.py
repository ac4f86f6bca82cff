"""The curves of trials, thinned without losing a spike, and the mean of each group of seeds."""

from collections.abc import Sequence
from typing import Annotated, Any, TypeVar

from pydantic import Field

from pawn_core.config.facts import Metric
from pawn_lab.analysis.curves import Axis
from pawn_lab.analysis.traces import Traces
from pawn_lab.errors import InvalidRequestError
from pawn_lab.lab import Lab, queries
from pawn_lab.records import Trial
from pawn_lab.views import growing, happened
from pawn_lab.views.drawing import Drawing
from pawn_lab.views.growing import CurvesCursor, CurvesQuestion
from pawn_lab.views.metrics import resolved
from pawn_lab.views.reading import ready
from pawn_lab.views.thinning import LEAST_POINTS, Part
from pawn_lab.views.view import View

MOST_METRICS = 24
AXES: tuple[Axis, ...] = ("step", "tokens", "hours", "cost")
_METRIC = "metric:"

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
    asked = CurvesQuestion(
        lab.paths.root, _fixed(trials), tag, _fixed(metrics), x=x, most=most, singles=singles
    )
    if since is not None and (news := growing.news(lab, asked, CurvesCursor.parse(since))):
        return news
    event = queries.latest_event(lab)
    read = ready(lab, queries.selected(lab, trials, tag))
    chosen = [resolved(lab, read.trials, name) for name in metrics or [None]]
    reached = growing.reached(lab, read.trials)
    traces = Traces(lab, read.trials, {own.trial: own.records for own in reached})
    axis = axis_named(lab, read.trials, x)
    drawing = Drawing(traces, chosen, axis, Part(low, high, most), singles=singles)
    layout = growing.remembered(asked, drawing.layout())
    return {
        "x": x,
        "metrics": [metric._asdict() for metric in chosen],
        "curves": [layout.named(own.run, own.metric) | own.points for own in drawing.curves],
        "groups": drawing.groups(),
        "marks": happened.marks(lab, traces, axis, drawing.labels),
        "bands": drawing.bands,
        "floors": happened.floors(traces, chosen),
        "pending": read.pending,
        "whole": True,
        "cursor": str(CurvesCursor(event, [*reached, *growing.unread(read.pending)])),
    }


def _fixed(items: list[T] | None) -> tuple[T, ...] | None:
    return None if items is None else tuple(items)


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

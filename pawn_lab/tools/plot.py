"""lab_plot: learning curves as a picture, with the numbers beside it."""

import hashlib
import math
import re
import threading
from bisect import bisect_left
from collections.abc import Sequence
from typing import Annotated, ClassVar, NamedTuple, TypeVar

from pydantic import Field, PrivateAttr

from pawn_core.config import RunConfig
from pawn_core.config.facts import Metric
from pawn_core.durable import replace_file
from pawn_lab.analysis.bands import band as band_of
from pawn_lab.analysis.curves import Axis
from pawn_lab.analysis.groups import (
    BASELINE,
    Run,
    distinguished,
    grouped,
    labels,
    runs_of,
    told_apart,
)
from pawn_lab.analysis.marks import marks, placed
from pawn_lab.configs import setting_text
from pawn_lab.documents import own_folder
from pawn_lab.errors import InvalidRequestError
from pawn_lab.lab import Lab, queries
from pawn_lab.reporting import metrics
from pawn_lab.tools import remarks
from pawn_lab.tools.questions import MaxTokens, Question, Reading, Since
from pawn_lab.tools.registry import LabTool
from pawn_lab.tools.values import Answer, Coordinate, Tag, TrialId

MOST_CURVES = 20
MOST_POINTS = 24
"""Points of a curve, in the picture and in the answer; the first and the last are among them."""

_X_TITLES: dict[Axis, str] = {
    "tokens": "tokens trained on",
    "hours": "device-hours",
    "cost": "cost of the device-time",
}
_NO_NAME = re.compile(r"[^A-Za-z0-9._-]")
"""What a metric's name may hold and a file's name may not."""
_drawing = threading.Lock()
PointT = TypeVar("PointT")


class _Titles(NamedTuple):
    """Of the axes."""

    x: str
    y: str


class CurveRow(Answer):
    """A curve from the start of its lineage; points: [x, value], band: [x, mean, low, high].

    marks: [x, what happened there]; of: points before thinning.
    """

    trial_ids: list[int]
    label: str
    points: list[list[Coordinate]]
    of: int
    marks: list[tuple[Coordinate, str]] | None = None
    _panel: str = PrivateAttr("")


class PlotAnswer(Reading):
    """The picture's numbers, and where in the workspace picture and altair spec were written."""

    cuttable: ClassVar = ("curves",)
    files: ClassVar = ("png", "spec")

    metric: str
    x: Axis
    curves: list[CurveRow]
    png: str
    spec: str
    note: str | None = None
    _picture: bytes = PrivateAttr(b"")

    def pictures(self) -> list[bytes]:
        """Return the chart."""
        return [self._picture] if self._picture else []


def lab_plot(
    lab: Lab,
    trial_ids: Annotated[list[TrialId] | None, Field(description="Only these.")] = None,
    tag: Tag = None,
    metric: Annotated[str | None, Field(description="As val_loss, top1, lr.")] = None,
    x: Annotated[Axis, Field(description="Hours: of devices.")] = "step",
    log_x: Annotated[bool, Field(description="Log scale.")] = False,
    log_y: Annotated[bool, Field(description="Log scale.")] = False,
    band: Annotated[bool, Field(description="Mean of seeds, 95 %.")] = False,
    since: Since = None,
    max_tokens: MaxTokens = 5000,
) -> PlotAnswer:
    """Draw up to 20 learning curves as a small PNG, with their numbers.

    For a verdict: lab_compare.

    A resumed trial's curve begins where its lineage began; shapes on it mark resumes and where the
    learning rate turns. Trials whose values are of different kinds of games get a panel each.
    Curves show plateaus, divergence, crossings. Picture and altair spec are written into the
    workspace under plots/.
    """
    asked = ("plot", trial_ids, tag, metric, x, log_x, log_y, band)
    question = Question.of(lab, asked, since, max_tokens)
    trials = queries.selected(lab, trial_ids, tag)
    measured = metrics.measured(lab.paths, trials, metric)
    runs = runs_of(lab, trials, measured)
    drawn = [run for run in runs if run.points]
    _check(drawn, measured, x, log_x=log_x, log_y=log_y)
    rows = _bands(drawn, measured, x) if band else _curves(lab, drawn, measured, x)
    notes = _without(runs, measured) + list(filter(None, [metrics.unmeasured(trials)]))
    answer = PlotAnswer(
        metric=measured.name,
        x=x,
        curves=rows,
        png="",
        spec="",
        note="; ".join([*notes, *remarks.strangers(trials)]) or None,
    )
    if not question.known(answer):
        titles = _Titles(_x_title(drawn, x), measured.title)
        _draw(lab, answer, titles, log_x=log_x, log_y=log_y)
    return question.answered(answer)


def _without(runs: list[Run], metric: Metric) -> list[str]:
    """Name what has no curve, and what may never have one of this metric."""
    absent = [run for run in runs if not run.points and run.kind.merit.exists]
    missing = ", ".join(run.name for run in absent if run.kind.speaks_of(metric.name))
    others = metrics.ranked_otherwise((run.trial for run in absent), metric)
    return ([f"without {metric.name}: {missing}"] if missing else []) + others


def _check(runs: list[Run], metric: Metric, x: Axis, *, log_x: bool, log_y: bool) -> None:
    """Refuse a chart without curves, with too many, or with points that an axis cannot show."""
    if not runs:
        raise InvalidRequestError(f"no trial of these has {metric.name} yet")
    if len(runs) > MOST_CURVES:
        raise InvalidRequestError(
            f"{len(runs)} curves are too many for one chart; at most {MOST_CURVES}: "
            "name trial_ids or a tag"
        )
    points = [point for run in runs for point in run.points]
    if x == "cost" and not any(point.cost for point in points):
        raise InvalidRequestError("x 'cost' needs a price: lab_set_cost(cost_per_hour=...) first")
    if x == "tokens" and not any(point.tokens for point in points):
        raise InvalidRequestError("x 'tokens' needs train records with tokens_per_s and step_s")
    for name, wanted, values in (
        ("log_x", log_x, [getattr(point, x) for point in points]),
        ("log_y", log_y, [point.value for point in points]),
    ):
        if wanted and min(values) <= 0:
            raise InvalidRequestError(f"{name} needs positive values; the least is {min(values):g}")


def _panels(runs: list[Run], metric: Metric) -> list[str]:
    """Return what each trial was measured on where values of several kinds are not comparable."""
    of_each = [
        {k: v for k, v in run.settings.items() if k in _apart(run.kind, metric)} for run in runs
    ]
    kinds = distinguished(of_each)
    return [setting_text(kind) or (BASELINE if any(kinds) else "") for kind in kinds]


def _apart(kind: type[RunConfig], metric: Metric) -> frozenset[str]:
    """Return the fields that decide what a metric is measured on."""
    if not kind.kinds.fields:
        return kind.measured_on
    return kind.kinds.fields if metric.own_kind else frozenset()


def _x_title(runs: list[Run], x: Axis) -> str:
    """Return what the axis counts; `progress` where runs count several things."""
    if x != "step":
        return _X_TITLES[x]
    counted = {run.kind.progress.axis or run.kind.progress.unit for run in runs}
    return counted.pop() if len(counted) == 1 else "progress"


def _curves(lab: Lab, runs: list[Run], metric: Metric, x: Axis) -> list[CurveRow]:
    """Return a curve for each trial, with what happened to it."""
    names, panels = labels(runs), _panels(runs, metric)
    rows = []
    for run, label, panel in zip(runs, names, panels, strict=True):
        points = [[getattr(point, x), point.value] for point in thinned(run.points)]
        happened = [
            (placed(mark, run.points, x), mark.kind) for mark in marks(lab, run.id, run.variant)
        ]
        marked = [(at, kind) for at, kind in happened if at is not None]
        row = CurveRow(
            trial_ids=[run.id], label=label, points=points, of=len(run.points), marks=marked or None
        )
        row._panel = panel
        rows.append(row)
    return rows


def _bands(runs: list[Run], metric: Metric, x: Axis) -> list[CurveRow]:
    """Return the mean curve of each setting; a trial that repeats another's seeds is left out."""
    groups, _ = grouped(runs)
    firsts = [group.runs[0] for group in groups]
    rows = []
    for group, told, panel in zip(groups, told_apart(groups), _panels(firsts, metric), strict=True):
        points = band_of(group.runs, x)
        row = CurveRow(
            trial_ids=list(dict.fromkeys(run.id for run in group.runs)),
            label=f"{setting_text(told) or BASELINE} (seeds: {len(group.runs)})",
            points=[[p.x, p.mean, p.low, p.high] for p in thinned(points)],
            of=len(points),
        )
        row._panel = panel
        rows.append(row)
    return rows


def thinned(points: Sequence[PointT]) -> list[PointT]:
    """Return at most `MOST_POINTS` points, evenly spread, with the first and the last."""
    last = len(points) - 1
    if last < MOST_POINTS:
        return list(points)
    return [points[round(i * last / (MOST_POINTS - 1))] for i in range(MOST_POINTS)]


def _draw(lab: Lab, answer: PlotAnswer, titles: _Titles, *, log_x: bool, log_y: bool) -> None:
    """Draw the chart, write it and its spec, and say where; the same chart has the same name."""
    from pawn_lab.reporting import charts  # not at the start: altair takes 0.3 s

    points = [
        charts.CurvePoint(row._panel, row.label, point[0], point[1], False, *point[2:])
        for row in answer.curves
        for point in row.points
    ]
    happened = [
        charts.MarkPoint(row._panel, row.label, at, _value_at(row, at), kind)
        for row in answer.curves
        for at, kind in row.marks or []
    ]
    axes = charts.Axes(*titles, log_x, log_y)
    chart = charts.curve_panels(points, axes, title="", subtitle=[], marks=happened)
    spec = chart.to_json(indent=None)
    metric = _NO_NAME.sub("_", answer.metric)
    name = f"{metric}-{answer.x}-{hashlib.sha256(spec.encode()).hexdigest()[:8]}"
    with _drawing:
        answer._picture = charts.png(chart, charts.SMALL)
        _write(lab, name, answer, spec)


def _value_at(row: CurveRow, x: float) -> float:
    """Return a curve's value between the points that it is drawn with."""
    points = [(at, value) for at, value, *_ in row.points]
    after = bisect_left(points, (x, -math.inf))
    (x0, y0), (x1, y1) = points[max(after - 1, 0)], points[min(after, len(points) - 1)]
    return y0 if x1 == x0 else y0 + (y1 - y0) * (x - x0) / (x1 - x0)


def _write(lab: Lab, name: str, answer: PlotAnswer, spec: str) -> None:
    files = lab.paths.plot(name)
    try:
        own_folder(lab.paths.plots)
        replace_file(files.png, answer._picture)
        replace_file(files.spec, spec.encode())
    except OSError as error:
        answer.note = "; ".join(filter(None, (answer.note, f"not written: {error}")))
        return
    answer.png, answer.spec = (str(file.relative_to(lab.paths.root)) for file in files)


TOOL = LabTool(lab_plot, title="Learning curves as a picture", idempotent=True)

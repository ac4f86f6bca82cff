"""lab_plot: learning curves as a picture, with the numbers beside it."""

import hashlib
import threading
from collections.abc import Sequence
from typing import Annotated, ClassVar

from pydantic import BeforeValidator, Field, PrivateAttr

from pawn_core.durable import replace_file
from pawn_lab.analysis.groups import GAMES, Run, distinguished, run_of
from pawn_lab.errors import InvalidRequestError
from pawn_lab.lab import Lab
from pawn_lab.reporting.curves import Axis, Point
from pawn_lab.reporting.metrics import METRICS, Metric, metric_named
from pawn_lab.tools.reading import MaxTokens, Question, Reading, Since
from pawn_lab.tools.registry import LabTool
from pawn_lab.tools.results import BASELINE
from pawn_lab.tools.trial_views import setting_text
from pawn_lab.tools.values import Answer, Number, Tag, TrialId, parsed

MOST_CURVES = 20
MOST_POINTS = 24
"""Points of a curve, in the picture and in the answer; the first and the last are among them."""

_X_TITLES: dict[Axis, str] = {
    "step": "optimizer step",
    "hours": "device-hours",
    "cost": "cost of the device-time",
}
_drawing = threading.Lock()


class CurveRow(Answer):
    """A trial's curve from the start of its lineage; `points` are [x, value]."""

    trial_id: int
    label: str
    points: list[tuple[Number, Number]]
    of: int


class PlotAnswer(Reading):
    """The picture's numbers, and where in the workspace picture and altair spec were written."""

    cuttable: ClassVar = ("curves",)

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
    trial_ids: Annotated[
        list[TrialId] | None, BeforeValidator(parsed), Field(description="Only these trials.")
    ] = None,
    tag: Tag = None,
    metric: Annotated[
        str, Field(description=f"One of: {', '.join(metric.name for metric in METRICS)}.")
    ] = "val_loss",
    x: Annotated[
        Axis, Field(description="Against step, device-hours (hours) or money (cost).")
    ] = "step",
    log_x: Annotated[bool, Field(description="Logarithmic x axis.")] = False,
    log_y: Annotated[bool, Field(description="Logarithmic y axis.")] = False,
    since: Since = None,
    max_tokens: MaxTokens = 5000,
) -> PlotAnswer:
    """Draw learning curves of up to 20 trials: a small PNG, and the same numbers as an object.

    A resumed trial's curve begins where its lineage began. Trials whose values are of different
    kinds of games get a panel each. Curves show shapes: plateaus, divergence, crossings; for a
    verdict ask lab_compare. Picture and altair spec are written into the workspace under plots/.
    """
    asked = ("plot", trial_ids, tag, metric, x, log_x, log_y)
    question = Question.of(lab, asked, since, max_tokens)
    wanted = metric_named(metric)
    runs = [run_of(lab, trial, wanted) for trial in lab.selected(trial_ids, tag)]
    drawn = [run for run in runs if run.points]
    _check(drawn, wanted, x, log_x=log_x, log_y=log_y)
    rows = [_row(run, label, x) for run, label in zip(drawn, _labels(drawn), strict=True)]
    missing = ", ".join(str(run.id) for run in runs if not run.points)
    answer = PlotAnswer(
        metric=metric,
        x=x,
        curves=rows,
        png="",
        spec="",
        note=f"without {metric}: {missing}" if missing else None,
    )
    if not question.known(answer):
        _draw(lab, answer, _panels(drawn, wanted), log_x=log_x, log_y=log_y)
    return question.answered(answer)


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
    for name, wanted, values in (
        ("log_x", log_x, [getattr(point, x) for point in points]),
        ("log_y", log_y, [point.value for point in points]),
    ):
        if wanted and min(values) <= 0:
            raise InvalidRequestError(f"{name} needs positive values; the least is {min(values):g}")


def _labels(runs: list[Run]) -> list[str]:
    """Return each trial's number with what tells it from the others."""
    settings = [run.settings | {"seed": run.seeds[0]} for run in runs]
    told = map(setting_text, distinguished(settings))
    return [f"{run.id} {text}".rstrip() for run, text in zip(runs, told, strict=True)]


def _panels(runs: list[Run], metric: Metric) -> list[str]:
    """Return the kind of games of each trial where values of several kinds are not comparable."""
    if not metric.own_games:
        return [""] * len(runs)
    games = [{k: v for k, v in run.settings.items() if k in GAMES} for run in runs]
    told = distinguished(games)
    return [setting_text(each) or (BASELINE if any(told) else "") for each in told]


def _row(run: Run, label: str, x: Axis) -> CurveRow:
    points = [(getattr(point, x), point.value) for point in thinned(run.points)]
    return CurveRow(trial_id=run.id, label=label, points=points, of=len(run.points))


def thinned(points: Sequence[Point]) -> list[Point]:
    """Return at most `MOST_POINTS` points, evenly spread, with the first and the last."""
    last = len(points) - 1
    if last < MOST_POINTS:
        return list(points)
    return [points[round(i * last / (MOST_POINTS - 1))] for i in range(MOST_POINTS)]


def _draw(lab: Lab, answer: PlotAnswer, panels: list[str], *, log_x: bool, log_y: bool) -> None:
    """Draw the chart, write it and its spec, and say where; the same chart has the same name."""
    from pawn_lab.reporting import charts  # not at the start: altair takes 0.3 s

    points = [
        charts.CurvePoint(panel, row.label, x, value)
        for row, panel in zip(answer.curves, panels, strict=True)
        for x, value in row.points
        if x is not None and value is not None
    ]
    title = metric_named(answer.metric).title
    axes = charts.Axes(_X_TITLES[answer.x], title, log_x, log_y)
    chart = charts.curve_panels(points, axes, title="", subtitle=[])
    spec = chart.to_json(indent=None)
    name = f"{answer.metric}-{answer.x}-{hashlib.sha256(spec.encode()).hexdigest()[:8]}"
    with _drawing:
        answer._picture = charts.png(chart, charts.SMALL)
        _write(lab, name, answer, spec)


def _write(lab: Lab, name: str, answer: PlotAnswer, spec: str) -> None:
    files = lab.paths.plot(name)
    lab.paths.plots.mkdir(exist_ok=True)
    replace_file(files.png, answer._picture)
    replace_file(files.spec, spec.encode())
    answer.png, answer.spec = (str(file.relative_to(lab.paths.root)) for file in files)


TOOL = LabTool(lab_plot, title="Learning curves as a picture", idempotent=True)

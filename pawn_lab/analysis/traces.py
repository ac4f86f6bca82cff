"""Learning curves as arrays: what pages draw of hundreds of trials, every record of each."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from pawn_core.config.facts import Metric
from pawn_lab.analysis.curves import Axis, Lineages
from pawn_lab.analysis.groups import Run, without_points
from pawn_lab.lab import Lab, spending
from pawn_lab.records import Trial
from pawn_lab.reporting.cost import Meter
from pawn_lab.trials import measurements
from pawn_lab.trials.columns import Points


@dataclass(frozen=True, eq=False)
class Trace:
    """A metric of a run and of what it continues, by step; arrays of float64.

    number: of the record in the run's own stream; 0 of what it continues.
    """

    run: Run
    metric: Metric
    number: np.ndarray
    step: np.ndarray
    x: np.ndarray
    y: np.ndarray

    @property
    def key(self) -> tuple[str, str]:
        """The names of the run and of the metric."""
        return self.run.name, self.metric.name

    def at(self, chosen: np.ndarray | slice) -> "Trace":
        """Return the points that a mask or a slice chooses."""
        parts = (numbers[chosen] for numbers in (self.number, self.step, self.x, self.y))
        return Trace(self.run, self.metric, *parts)

    @property
    def last_step(self) -> int:
        """The last step that it has; 0 where it has none."""
        return int(self.step.max()) if len(self.step) else 0


class Totals(NamedTuple):
    """What it took to get to where a trial was continued."""

    tokens: float = 0.0
    hours: float = 0.0
    cost: float = 0.0


class Traces:
    """Reads the traces of trials; the streams and leases of each once for all its metrics."""

    def __init__(
        self, lab: Lab, trials: Sequence[Trial], until: Mapping[int, int] | None = None
    ) -> None:
        """Take the trials; `until`: of the streams of some only so many records."""
        self._lab, self._until = lab, until or {}
        self.trials = list(trials)
        self._lineages = Lineages(lab, trials)

    @cached_property
    def runs(self) -> list[Run]:
        """The models of the trials with their settings, without points."""
        return [
            without_points(self._lab, self._lineages, trial, model)
            for trial in self.trials
            for model in trial.config.models
        ]

    def of(
        self, run: Run, metrics: Sequence[Metric], axis: Axis | Metric, after: int = 0
    ) -> list[Trace]:
        """Return a run's trace of each metric, of the records of its own stream numbered higher.

        Without `after`, what it continues comes first.
        """
        lineage = self._lineages.of(run.trial)
        before, parts = Totals(), []
        for trial, child in zip(lineage, [*lineage[1:], None], strict=True):
            own = _Segment(self, trial, run.variant, child, before)
            if child is None or not after:
                parts.append(own.points(metrics, axis, after if child is None else 0))
            if child is not None:
                before = own.totals()
        return [
            _trace(run, metric, [part[n] for part in parts]) for n, metric in enumerate(metrics)
        ]

    @cached_property
    def _meters(self) -> dict[int, Meter]:
        ids = {trial.id for own in self.trials for trial in self._lineages.of(own)}
        return spending.meters(self._lab, ids)

    def meter(self, trial: Trial, model: str) -> Meter:
        """Return what a trial's device-time comes to.

        Of one that held no device of the lab it is the time since its first record.
        """
        meter = self._meters[trial.id]
        if meter.spans:
            return meter
        moments = self.moments(trial, model)
        start = float(moments.time[0]) if len(moments.time) else 0.0
        return meter._replace(spans=[(start, np.inf)])

    def moments(self, trial: Trial, model: str) -> Points:
        """Return the records of a model."""
        return measurements.moments(self._lab.paths.trial(trial.id), model)

    def read(
        self, trial: Trial, model: str, metrics: Iterable[Metric], after: int, *, timed: bool
    ) -> dict[Metric, Points]:
        """Return the values of metrics of a trial's own stream; timed: with times and tokens."""
        paths = self._lab.paths.trial(trial.id)
        by_kind = {}
        for metric in metrics:
            by_kind.setdefault(metric.record, []).append(metric.name)
        found = {
            (kind, name): own
            for kind, names in by_kind.items()
            for name, own in measurements.points(
                paths, kind, model, names, after, timed=timed
            ).items()
        }
        until = self._until.get(trial.id)
        if until is not None:
            found = {key: own.at(own.number <= until) for key, own in found.items()}
        return {metric: found[metric.record, metric.name] for metric in metrics}

    def tokens_before(self, trial: Trial, model: str) -> float:
        """Return how many tokens a stream counts for the steps before the trial's own."""
        first = measurements.latest(self._lab.paths.trial(trial.id)).tokens(model).first
        return first * (trial.from_step or 0)


class _Part(NamedTuple):
    number: np.ndarray
    step: np.ndarray
    x: np.ndarray
    y: np.ndarray


class _Segment:
    """A trial of a lineage, up to the step at which the next one starts."""

    def __init__(
        self, traces: Traces, trial: Trial, model: str, child: Trial | None, before: Totals
    ) -> None:
        self._traces, self._trial, self._model = traces, trial, model
        self._end = np.inf if child is None or child.from_step is None else child.from_step
        self._is_own = child is None
        self._before = before

    def points(self, metrics: Sequence[Metric], axis: Axis | Metric, after: int) -> list[_Part]:
        """Return the values of each metric, and where on the axis they are."""
        across = [axis] if isinstance(axis, Metric) else []
        timed = axis in ("tokens", "hours", "cost")
        found = self._traces.read(self._trial, self._model, [*metrics, *across], after, timed=timed)
        return [self._part(found[metric], axis, metric, found) for metric in metrics]

    def _part(
        self, points: Points, axis: Axis | Metric, metric: Metric, found: dict[Metric, Points]
    ) -> _Part:
        points = points if self._is_own else points.at(points.step <= self._end)
        if isinstance(axis, Metric):
            x = _beside(points, found[axis], same=axis.record == metric.record)
        else:
            x = self._along(points, axis)
        kept = slice(None) if axis == "step" else np.isfinite(x)
        number = points.number if self._is_own else np.zeros(len(points.number))
        return _Part(number[kept], points.step[kept], x[kept], points.value[kept])

    def _along(self, points: Points, axis: Axis) -> np.ndarray:
        match axis:
            case "step":
                return points.step
            case "tokens":
                lead = self._traces.tokens_before(self._trial, self._model)
                return self._before.tokens + np.maximum(0.0, points.tokens - lead)
            case "hours":
                return self._before.hours + self._meter.hours(points.time)
        return self._before.cost + self._meter.cost(points.time)

    @cached_property
    def _meter(self) -> Meter:
        return self._traces.meter(self._trial, self._model)

    def totals(self) -> Totals:
        """Return what it took to get to the segment's end."""
        moments = self._traces.moments(self._trial, self._model)
        last = moments.at(moments.step <= self._end).at(slice(-1, None))
        if not len(last.step):
            return self._before
        return Totals(*(float(self._along(last, axis)[0]) for axis in ("tokens", "hours", "cost")))


def _beside(points: Points, across: Points, *, same: bool) -> np.ndarray:
    """Return the value of another metric in the same record, or in the last one before."""
    if not len(across.step):
        return np.full(len(points.step), np.nan)
    mine, theirs = (points.number, across.number) if same else (points.step, across.step)
    at = np.searchsorted(theirs, mine, side="right") - 1
    found = at >= 0
    if same:
        found &= theirs[np.maximum(at, 0)] == mine
    return np.where(found, across.value[np.maximum(at, 0)], np.nan)


def _trace(run: Run, metric: Metric, parts: list[_Part]) -> Trace:
    number, step, x, y = map(np.concatenate, zip(*parts, strict=True))
    order = np.argsort(x, kind="stable")  # charts need it, and a metric goes up and down
    return Trace(run, metric, number[order], step[order], x[order], y[order])

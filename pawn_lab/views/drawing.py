"""What an answer draws: curves and means, thinned group by group, so that few are held at once."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np

from pawn_core.config.facts import Metric
from pawn_lab.analysis.curves import Axis
from pawn_lab.analysis.groups import Run, labels, settings_key
from pawn_lab.analysis.traces import Trace, Traces
from pawn_lab.views import happened
from pawn_lab.views.groups import Means, means
from pawn_lab.views.growing import Layout
from pawn_lab.views.thinning import LEAST_POINTS, Part

MOST_POINTS = 40_000
"""Of the curves of an answer together, and of its means: of many each has fewer."""
_COLUMNS = 2
"""A mean's numbers are twice those of a curve."""

Json = dict[str, Any]


class Curve(NamedTuple):
    """A metric of a run as it is drawn."""

    run: Run
    metric: Metric
    points: Json


class Drawing:
    """The curves of runs, their means by group, and what is expected of them."""

    def __init__(
        self,
        traces: Traces,
        metrics: Sequence[Metric],
        axis: Axis | Metric,
        part: Part,
        *,
        singles: bool,
    ) -> None:
        self._runs, self._metrics, self._axis = traces.runs, list(metrics), axis
        names = [run.name for run in traces.runs]
        self.labels = dict(zip(names, labels(traces.runs), strict=True)) if names else {}
        self.curves: list[Curve] = []
        self.bands: list[Json] = []
        self._means = [Means([], []) for _ in metrics]
        self._inherited: dict[tuple[str, str], int] = {}
        self._singles, groups = singles, _by_settings(traces.runs)
        self._part = _shared(part, len(names) * len(metrics))
        self._part_of_means = _shared(part, _COLUMNS * len(groups) * len(metrics))
        for alike in groups:
            found = zip(*(traces.of(run, metrics, axis) for run in alike), strict=True)
            self._draw([trace for trace in own if len(trace.y)] for own in found)
        places = {name: place for place, name in enumerate(names)}
        self.curves.sort(key=lambda own: places[own.run.name])

    def _draw(self, by_metric: Iterable[Sequence[Trace]]) -> None:
        """Add the traces of runs of equal settings, metric by metric."""
        for known, traces in zip(self._means, by_metric, strict=True):
            own = means(traces)
            known.groups.extend(own.groups)
            for curve in own.curves:
                known.curves.append(curve.at(self._part_of_means.of(curve.x, curve.mean)))
            for trace in traces:
                self._draw_single(trace)

    def _draw_single(self, trace: Trace) -> None:
        self._inherited[trace.key] = int(np.count_nonzero(trace.number == 0))
        if self._singles:
            self.curves.append(Curve(trace.run, trace.metric, _points(trace, self._part)))
        if self._axis == "step" and len(self._runs) <= happened.MOST_MARKED:
            band = happened.band(trace, self.labels[trace.run.name])
            self.bands += [band] if band else []

    def groups(self) -> list[Json]:
        """Return the means of each metric."""
        named = [
            (label, curve)
            for own in self._means
            for label, curve in zip(own.labels(), own.curves, strict=True)
        ]
        named.sort(key=lambda pair: pair[1].trials)
        return [curve.shown(label) for label, curve in named]

    def layout(self) -> Layout:
        """Return how the curves are named and grouped."""
        return Layout(
            metrics=self._metrics,
            axis=self._axis,
            labels=self.labels,
            groups=[
                {
                    label: [run.name for run in group.runs]
                    for label, group in zip(own.labels(), own.groups, strict=True)
                }
                for own in self._means
            ],
            trials={run.name: run.id for run in self._runs},
            inherited=self._inherited,
        )


def _by_settings(runs: Sequence[Run]) -> list[list[Run]]:
    """Return the runs of equal settings together."""
    ordered = sorted(runs, key=settings_key)
    return [list(alike) for _, alike in groupby(ordered, key=settings_key)]


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

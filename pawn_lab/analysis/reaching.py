"""What it took runs to reach a value of a metric: where on an axis each first gets there."""

import math
from collections.abc import Iterable
from itertools import pairwise

from pawn_core.config.facts import Metric
from pawn_lab.analysis.curves import Axis, Point
from pawn_lab.analysis.groups import Run


def logarithms(runs: Iterable[Run], axis: Axis, metric: Metric, value: float) -> dict[str, float]:
    """Return, by name, the logarithm of the position where a run reaches the value.

    Differences of logarithms are ratios. Runs that never get there are left out, and those that
    were there at position zero.
    """
    reached = {run.name: position(run.points, axis, metric, value) for run in runs}
    return {name: math.log(where) for name, where in reached.items() if where}


def position(points: list[Point], axis: Axis, metric: Metric, value: float) -> float | None:
    """Return where a curve first is at least as good as `value`, linear between two points.

    A curve that begins there is there at its first point: what was before it is not known.
    """
    if points and metric.sign * points[0].value <= metric.sign * value:
        return getattr(points[0], axis)
    for a, b in pairwise(points):
        if metric.sign * b.value <= metric.sign * value:
            start, end = getattr(a, axis), getattr(b, axis)
            return start + (end - start) * (a.value - value) / (a.value - b.value)
    return None

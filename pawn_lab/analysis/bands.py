"""The mean of several seeds along a curve, with its confidence band."""

import functools
import math
import statistics
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from pawn_lab.analysis import student_t
from pawn_lab.analysis.compare import CONFIDENCE
from pawn_lab.analysis.curves import Axis
from pawn_lab.analysis.groups import Run


class BandPoint(NamedTuple):
    """Mean over seeds at a step, and the confidence interval of that mean."""

    step: int
    x: float
    mean: float
    low: float
    high: float


def band(runs: Sequence[Run], axis: Axis) -> list[BandPoint]:
    """Return the mean at each step that all runs have; one run is its own mean, without width.

    Off the step axis a point stands at the runs' mean of hours, money or tokens.
    """
    by_step = [{point.step: point for point in run.points} for run in runs]
    common = sorted(set.intersection(*(set(points) for points in by_step)))
    return [_point(step, [points[step] for points in by_step], axis) for step in common]


def _point(step: int, points: Sequence, axis: Axis) -> BandPoint:
    values = [point.value for point in points]
    mean = statistics.fmean(values)
    half = half_width(values)
    x = statistics.fmean(getattr(point, axis) for point in points)
    return BandPoint(step, x, mean, mean - half, mean + half)


def half_width(values: Sequence[float]) -> float:
    """Return half the confidence interval of the mean of at least one value; 0 of one value."""
    return 0.0 if len(values) < 2 else _factor(len(values)) * statistics.stdev(values)


def half_widths(values: np.ndarray) -> np.ndarray:
    """Return `half_width` of each column of a row of values a run."""
    count = len(values)
    if count < 2:
        return np.zeros(values.shape[1])
    return _factor(count) * values.std(axis=0, ddof=1)


@functools.cache
def _factor(count: int) -> float:
    """Return what a standard deviation of so many values is multiplied by."""
    return student_t.quantile(0.5 + CONFIDENCE / 2, count - 1) / math.sqrt(count)

"""A loss curve carried on by a power law, loss(step) = floor + scale * step^-exponent.

After Hestness et al., 2017 (arXiv 1712.00409). The exponent runs over a grid, floor and scale are
least squares for each; the interval holds every exponent that the residuals do not exclude.
"""

import math
import statistics
from collections.abc import Sequence
from typing import NamedTuple

from pawn_lab.analysis import student_t
from pawn_lab.analysis.compare import CONFIDENCE

FEWEST_POINTS = 8
FARTHEST = 10.0
"""No loss is told for a step more than so many times the last one seen."""
_EXPONENTS = [0.05 * 40 ** (n / 59) for n in range(60)]  # 0.05 to 2
_PARAMETERS = 3


class Interval(NamedTuple):
    """A loss that is expected, and the 95 % interval around it."""

    value: float
    low: float
    high: float


class _Line(NamedTuple):
    """Least squares of loss on step^-exponent: its squared residuals, what it says of a step."""

    residual: float
    value: float
    leverage: float


def extrapolated(points: Sequence[tuple[int, float]], step: int) -> Interval | None:
    """Return the loss at a later step; None where the points do not fall as a power law.

    points: at least `FEWEST_POINTS` of (step, loss), steps above 0.
    """
    lines = [line for e in _EXPONENTS if (line := _line(points, step, e)) is not None]
    if not lines:
        return None
    best = min(lines, key=lambda line: line.residual)
    freedom = len(points) - _PARAMETERS
    t = student_t.quantile(0.5 + CONFIDENCE / 2, freedom)
    variance = best.residual / freedom
    likely = [line for line in lines if line.residual <= best.residual + t * t * variance]
    margins = [(line, t * math.sqrt(variance * (1.0 + line.leverage))) for line in likely]
    low = min(line.value - margin for line, margin in margins)
    return Interval(best.value, max(0.0, low), max(line.value + m for line, m in margins))


def _line(points: Sequence[tuple[int, float]], step: int, exponent: float) -> _Line | None:
    """Fit floor and scale; None where either would be negative."""
    last = points[-1][0]
    xs, ys = [(at / last) ** -exponent for at, _ in points], [loss for _, loss in points]
    x_mean, y_mean = statistics.fmean(xs), statistics.fmean(ys)
    spread = math.fsum((x - x_mean) ** 2 for x in xs)
    if spread == 0.0:
        return None
    together = math.fsum((x - x_mean) * (y - y_mean) for x, y in zip(xs, ys, strict=True))
    scale = together / spread
    floor = y_mean - scale * x_mean
    if scale <= 0.0 or floor < 0.0:
        return None
    residual = math.fsum((y - floor - scale * x) ** 2 for x, y in zip(xs, ys, strict=True))
    x = (step / last) ** -exponent
    return _Line(residual, floor + scale * x, 1 / len(xs) + (x - x_mean) ** 2 / spread)

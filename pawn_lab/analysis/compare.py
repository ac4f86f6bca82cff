"""Differences between two groups of runs, and what the noise between seeds lets them say.

Paired differences have one sample, unpaired ones two; the standard error and the Welch-
Satterthwaite degrees of freedom are one formula for both.
"""

import math
import statistics
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from pawn_lab.analysis import student_t

CONFIDENCE = 0.95
POWER = 0.8
MOST_SEEDS = 1000


class Verdict(StrEnum):
    """What a comparison with the reference says."""

    BETTER = "better"
    WORSE = "worse"
    INDISTINGUISHABLE = "indistinguishable"
    NOT_COMPARABLE = "not comparable"


class Sample(NamedTuple):
    """Unbiased variance of single values, and their number."""

    variance: float
    count: int


@dataclass(frozen=True)
class Difference:
    """An estimated mean difference and the samples that its noise is known from."""

    mean: float
    samples: tuple[Sample, ...]

    @property
    def standard_error(self) -> float:
        """Standard deviation of the mean difference."""
        return math.sqrt(sum(s.variance / s.count for s in self.samples))

    @property
    def degrees_of_freedom(self) -> float:
        """Welch-Satterthwaite; n - 1 for one sample."""
        noise = sum((s.variance / s.count) ** 2 / (s.count - 1) for s in self.samples)
        if noise == 0.0:
            return float(sum(s.count - 1 for s in self.samples))
        return self.standard_error**4 / noise

    @property
    def interval(self) -> tuple[float, float]:
        """95 % confidence interval of the difference."""
        margin = self._t(0.5 + 0.5 * CONFIDENCE) * self.standard_error
        return self.mean - margin, self.mean + margin

    @property
    def detectable(self) -> float:
        """Smallest true difference that such an experiment would find in 80 % of repetitions.

        The sum of two quantiles of t: near 80 % from three pairs on, 70 % for three against three.
        """
        return (self._t(0.5 + 0.5 * CONFIDENCE) + self._t(POWER)) * self.standard_error

    def seeds_needed(self) -> int | None:
        """Return how many more seeds each group needs for the observed difference to be found.

        None where more than `MOST_SEEDS` would be needed, as for a difference of zero.
        """
        more = bisect_left(
            range(MOST_SEEDS + 1), True, key=lambda k: self._with(k).detectable <= abs(self.mean)
        )
        return more if more <= MOST_SEEDS else None

    def verdict(self, *, lower_is_better: bool) -> Verdict:
        """Return whether the first group is better or worse, where the interval leaves out zero."""
        low, high = self.interval
        if low <= 0.0 <= high:
            return Verdict.INDISTINGUISHABLE
        return Verdict.BETTER if (self.mean < 0.0) == lower_is_better else Verdict.WORSE

    def _t(self, p: float) -> float:
        return student_t.quantile(p, self.degrees_of_freedom)

    def _with(self, more: int) -> "Difference":
        samples = tuple(Sample(s.variance, s.count + more) for s in self.samples)
        return Difference(self.mean, samples)


def paired(values: Sequence[float], reference: Sequence[float]) -> Difference:
    """Return the mean of `values` minus `reference`, at least two pairs of equal seed and data."""
    differences = [a - b for a, b in zip(values, reference, strict=True)]
    return Difference(statistics.fmean(differences), (_sample(differences),))


def welch(values: Sequence[float], reference: Sequence[float]) -> Difference:
    """Return the difference of the means of two groups of at least two runs each."""
    mean = statistics.fmean(values) - statistics.fmean(reference)
    return Difference(mean, (_sample(values), _sample(reference)))


def _sample(values: Sequence[float]) -> Sample:
    return Sample(statistics.variance(values), len(values))

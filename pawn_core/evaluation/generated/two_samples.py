"""Whether two samples of games come from one law, from how often each category occurs.

Categories are outcomes, terminations or lengths in ascending order. Shapes: k categories,
r resamples; `_rk` arrays may also be a single row (k,).
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]
Statistic = Callable[[NDArray[Any], NDArray[Any]], NDArray[np.float64]]

RESAMPLES = 2_000
_TAILS = (0.025, 0.975)


class Comparison(NamedTuple):
    """How far two samples lie apart, beside what chance does to two samples of one law."""

    value: float
    expected: float
    """Mean of the statistic where both samples are drawn from one law."""
    p: float
    """Share of draws from one law that lie as far apart or farther; never 0."""


class Difference(NamedTuple):
    """A mean less another, with its 95 % bootstrap interval over games."""

    value: float
    low: float
    high: float


def total_variation(a_rk: NDArray[Any], b_rk: NDArray[Any]) -> NDArray[np.float64]:
    """Return half the sum of the absolute differences of shares: 0 for equal, 1 for disjoint."""
    return np.abs(_shares(a_rk) - _shares(b_rk)).sum(axis=-1) / 2


def kolmogorov_smirnov(a_rk: NDArray[Any], b_rk: NDArray[Any]) -> NDArray[np.float64]:
    """Return the largest distance of the two cumulated shares; categories have an order."""
    return np.abs((_shares(a_rk) - _shares(b_rk)).cumsum(axis=-1)).max(axis=-1)


def compare(a_k: Counts, b_k: Counts, statistic: Statistic, seed: int) -> Comparison:
    """Compare two samples by a permutation test: which sample a game is in is drawn anew.

    Exact for any number of games and any ties; `p` counts the samples themselves as one draw
    (Phipson & Smyth, 2010), so it is at least 1 / (RESAMPLES + 1).
    """
    generator = np.random.default_rng(seed)
    both_k, games = a_k + b_k, int(a_k.sum())
    drawn_rk = generator.multivariate_hypergeometric(both_k, games, RESAMPLES, method="marginals")
    null_r = statistic(drawn_rk, both_k - drawn_rk)
    value = float(statistic(a_k, b_k))
    as_far = int((null_r >= value - 1e-12).sum())
    return Comparison(value, float(null_r.mean()), (1 + as_far) / (1 + RESAMPLES))


def difference_of_means(a_k: Counts, b_k: Counts, values_k: NDArray[Any], seed: int) -> Difference:
    """Return mean of a less mean of b, where category i stands for `values_k[i]`."""
    generator = np.random.default_rng(seed)
    means = [_resampled(counts_k, generator) @ values_k for counts_k in (a_k, b_k)]
    low, high = np.quantile(means[0] - means[1], _TAILS)
    value = _shares(a_k) @ values_k - _shares(b_k) @ values_k
    return Difference(float(value), float(low), float(high))


def _resampled(counts_k: Counts, generator: np.random.Generator) -> NDArray[np.float64]:
    games = int(counts_k.sum())
    return _shares(generator.multinomial(games, counts_k / games, RESAMPLES))


def _shares(counts_rk: NDArray[Any]) -> NDArray[np.float64]:
    return counts_rk / counts_rk.sum(axis=-1, keepdims=True)

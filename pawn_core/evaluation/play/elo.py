"""Scores and Elo differences from pairs of games: one opening, each side once.

The two games of a pair depend on each other through their opening, so the pair is what varies:
its five possible scores are counted (the pentanomial model of fishtest, the test framework of
Stockfish). Never imports torch.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

PAIR_SCORES = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Mean score of a pair's two games, where a win is 1 and a draw a half."""

_HALF_CHI_SQUARED = 3.841458820694124 / 2  # 95 % quantile at one degree of freedom
_BISECTIONS = 48


class ScoreInterval(NamedTuple):
    """A mean score per game with its 95 % interval."""

    value: float
    low: float
    high: float


def mean_score(pairs_5: Sequence[int]) -> ScoreInterval:
    """Return the mean score of pairs counted by `PAIR_SCORES`, with its interval over pairs.

    The interval holds every mean under which some law on the five scores has a likelihood of the
    pairs above exp(-1.92) of the largest: empirical likelihood (Owen, 2001) on a support that is
    known. So it has a width after one pair, and where all pairs are alike; with many pairs it is
    the mean and 1.96 standard errors.

    Raises:
        ValueError: there is no pair.
    """
    if sum(pairs_5) < 1:
        raise ValueError("no pair of games has been played")
    value = sum(n * score for n, score in zip(pairs_5, PAIR_SCORES, strict=True)) / sum(pairs_5)
    return ScoreInterval(value, _end(pairs_5, value, 0.0), _end(pairs_5, value, 1.0))


def elo(score: float) -> float | None:
    """Return the Elo difference of an expected score, None where it has no bound (0 and 1)."""
    return -400 * math.log10(1 / score - 1) if 0 < score < 1 else None


def _end(pairs_5: Sequence[int], value: float, bound: float) -> float:
    """Return the mean between the value and the bound where the likelihood has fallen enough."""
    if value == bound:
        return bound
    inside, outside = value, bound
    for _ in range(_BISECTIONS):
        middle = (inside + outside) / 2
        if _log_ratio(pairs_5, middle) < _HALF_CHI_SQUARED:
            inside = middle
        else:
            outside = middle
    return (inside + outside) / 2


def _log_ratio(pairs_5: Sequence[int], mean: float) -> float:
    """Return the log of the largest likelihood over the largest one of laws with this mean.

    It is the maximum over the multiplier m of sum n log(1 + m (score - mean)), which is concave,
    where the logarithm exists for every score, the ones not seen included.
    """
    terms = [(n, a - mean) for n, a in zip(pairs_5, PAIR_SCORES, strict=True) if n]
    low, high = -1 / (1 - mean), 1 / mean
    for _ in range(_BISECTIONS):
        multiplier = (low + high) / 2
        if sum(n * d / (1 + multiplier * d) for n, d in terms) > 0:
            low = multiplier
        else:
            high = multiplier
    return sum(n * math.log1p((low + high) / 2 * d) for n, d in terms)

"""95 % intervals of rates and means. Never imports torch.

Positions of one game go together, so what varies is the game: ratios of sums over games are
bootstrapped over games (Efron & Tibshirani, 1993, chapter 13), and a rate of independent things is
exact (Clopper & Pearson, 1934).

Shapes: g games, r resamplings, k sums.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pawn_core.evaluation.report import CONFIDENCE

RESAMPLINGS = 2_000
_CHUNK_ENTRIES = 1 << 22  # of the counts drawn at once: 32 MB
_BISECTIONS = 60


class Interval(NamedTuple):
    """The ends of an interval; None where nothing was measured."""

    low: float | None
    high: float | None


NOTHING = Interval(None, None)


def over_games(
    parts_g: ArrayLike, wholes_g: ArrayLike, seed: int = 0, resamplings: int = RESAMPLINGS
) -> Interval:
    """Return the interval of `sum(parts) / sum(wholes)`, a bootstrap over games.

    For a mean over games, `wholes` are ones. The ends are percentiles of the ratio among
    resamplings of as many games, drawn with replacement by a generator of the seed.
    """
    parts, wholes = np.asarray(parts_g, np.float64), np.asarray(wholes_g, np.float64)
    if wholes.sum() <= 0:
        return NOTHING
    pairs_g2 = np.stack((parts, wholes), axis=1)
    parts_r, wholes_r = resampled_sums(pairs_g2, seed, resamplings).T
    return ratio_percentiles(parts_r, wholes_r)


def resampled_sums(
    sums_gk: NDArray[np.float64], seed: int = 0, resamplings: int = RESAMPLINGS
) -> NDArray[np.float64]:
    """Return the sums over the games of each resampling, (r, k), for any function of sums."""
    drawn = resamplings_of(len(sums_gk), seed, resamplings)
    return np.concatenate([counts_rg @ sums_gk for counts_rg in drawn])


def percentiles(values_r: NDArray[np.float64]) -> Interval:
    """Return what lies around the middle 95 % of resampled values."""
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(values_r, (tail, 1 - tail))
    return Interval(float(low), float(high))


def ratio_percentiles(parts_r: NDArray[np.float64], wholes_r: NDArray[np.float64]) -> Interval:
    """Return the same of a ratio of sums; resamplings without a whole do not count."""
    measured_r = wholes_r > 0
    return percentiles(parts_r[measured_r] / wholes_r[measured_r]) if measured_r.any() else NOTHING


def share_over_games(
    parts_g: ArrayLike, wholes_g: ArrayLike, seed: int = 0, resamplings: int = RESAMPLINGS
) -> Interval:
    """Return the interval of a share, as `over_games`, with ends that hold at all or none too.

    There every resampling is the same, so the games that are all or none count as trials: the
    exact interval of their rate, which is wider.
    """
    parts, wholes = np.asarray(parts_g, np.float64), np.asarray(wholes_g, np.float64)
    return all_or_none(parts, wholes) or over_games(parts, wholes, seed, resamplings)


def all_or_none(parts_g: NDArray[np.float64], wholes_g: NDArray[np.float64]) -> Interval | None:
    """Return the exact interval of a share that is all or none; None where it is between."""
    games = int((wholes_g > 0).sum())
    if games and parts_g.sum() in (0.0, wholes_g.sum()):
        return exact(games if parts_g.sum() else 0, games)
    return None


def median_over_games(
    values_n: ArrayLike,
    games_n: ArrayLike,
    games: int,
    seed: int = 0,
    resamplings: int = RESAMPLINGS,
) -> Interval:
    """Return the interval of the median of values that belong to games, a bootstrap over games."""
    values, owners = np.asarray(values_n, np.float64), np.asarray(games_n, np.int64)
    if not len(values):
        return NOTHING
    order = np.argsort(values, kind="stable")
    ordered, owners = values[order], owners[order]
    medians: list[float] = []
    for counts_rg in resamplings_of(games, seed, resamplings):
        weights_rn = counts_rg[:, owners].cumsum(axis=1)
        for weights_n in weights_rn[weights_rn[:, -1] > 0]:
            middle = weights_n[-1] / 2
            ends = np.searchsorted(weights_n, (middle, np.nextafter(middle, np.inf)))
            medians.append(float(ordered[ends].mean()))
    return percentiles(np.array(medians))


def resamplings_of(
    games: int, seed: int = 0, resamplings: int = RESAMPLINGS
) -> Iterator[NDArray[np.float64]]:
    """Yield how often each game is in each resampling, (r, g), some resamplings at a time."""
    generator, at_once = np.random.default_rng(seed), max(1, _CHUNK_ENTRIES // games)
    for begin in range(0, resamplings, at_once):
        rows = min(at_once, resamplings - begin)
        chosen = generator.integers(games, size=(rows, games))
        offsets = np.arange(rows)[:, None] * games
        counts = np.bincount((chosen + offsets).ravel(), minlength=rows * games)
        yield counts.reshape(rows, games).astype(np.float64)


def exact(successes: int, trials: int) -> Interval:
    """Return the interval of a rate of independent trials (Clopper & Pearson, 1934).

    It covers the rate in 95 % of cases at least, at 0 and 1 too.
    """
    if trials == 0:
        return NOTHING
    tail = (1 - CONFIDENCE) / 2
    low = 0.0 if successes == 0 else _bisect(successes - 1, trials, 1 - tail)
    high = 1.0 if successes == trials else _bisect(successes, trials, tail)
    return Interval(low, high)


def _bisect(successes: int, trials: int, probability: float) -> float:
    """Return the rate at which at most so many successes have this probability."""
    low, high = 0.0, 1.0
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        if _at_most(successes, trials, middle) > probability:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _at_most(successes: int, trials: int, rate: float) -> float:
    """Return the binomial probability of at most so many successes."""
    k = np.arange(successes + 1)
    log_terms = _log_choose(trials, successes) + k * np.log(rate) + (trials - k) * np.log1p(-rate)
    return float(np.exp(log_terms).sum())


def _log_choose(trials: int, most: int) -> NDArray[np.float64]:
    """Return the logarithms of the binomial coefficients (trials over 0 .. most)."""
    k = np.arange(1, most + 1)
    return np.append(0.0, np.cumsum(np.log(trials - k + 1) - np.log(k)))

"""Curves thinned to what a screen can show: of fixed buckets the least and the largest value stay.

A bucket is a power of two of records that begins at a multiple of its length, so that it stays the
same while a curve grows, and a single spike is seen in every view of it.
"""

from typing import NamedTuple

import numpy as np

from pawn_lab.trials.columns import extremes

LEAST_POINTS = 8


class Part(NamedTuple):
    """A part of an axis, and how many points of it are shown at most."""

    low: float | None = None
    high: float | None = None
    most: int = 1000

    def of(self, x: np.ndarray, *values: np.ndarray) -> np.ndarray:
        """Return which points of a curve are shown, by the extremes of each of its values."""
        where, each = self._within(x), self.most // len(values)
        return np.unique(np.concatenate([kept(numbers, where, each) for numbers in values]))

    def count(self, x: np.ndarray) -> int:
        """Return how many points of a curve lie in it."""
        where = self._within(x)
        return where.stop - where.start

    def _within(self, x: np.ndarray) -> slice:
        """Return where a sorted axis is in the part, with the neighbours that lines run to."""
        first = 0 if self.low is None else max(0, int(np.searchsorted(x, self.low)) - 1)
        high = len(x) if self.high is None else int(np.searchsorted(x, self.high, "right")) + 1
        return slice(first, max(first, min(high, len(x))))


def kept(values: np.ndarray, part: slice, most: int) -> np.ndarray:
    """Return which indices of a part are shown: all, or of each bucket its extremes, and its ends.

    They are at most `most`, of which `LEAST_POINTS` are needed.
    """
    first, end = part.start, part.stop
    if end - first <= most:
        return np.arange(first, end)
    width = _width(end - first, most - 6)  # the ends, and the extremes of the buckets there
    start = -(-first // width) * width
    stop = max(start, end // width * width)
    inner = start + extremes(values[start:stop], width)
    outer = [_ends(values, first, min(start, end)), _ends(values, stop, end)]
    return np.unique(np.concatenate([inner, *outer]))


def _width(count: int, most: int) -> int:
    width = 2
    while 2 * (count // width) > most:
        width *= 2
    return width


def _ends(values: np.ndarray, first: int, end: int) -> np.ndarray:
    """Return the first and the last index of a stretch, and those of its extremes."""
    if first >= end:
        return np.empty(0, dtype=np.int64)
    inner = first + extremes(values[first:end], end - first)
    return np.concatenate([[first, end - 1], inner]).astype(np.int64)

"""Filters of games whose tags come as columns, as the engine's of PGN."""

from collections import Counter
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray


def drop(
    dropped: "Counter[str]", reasons: Iterable[tuple[str, NDArray[np.bool_]]], games: int
) -> NDArray[np.bool_]:
    """Count the games that are dropped by the first reason that applies; return the others."""
    good_g = np.ones(games, np.bool_)
    for reason, bad_g in reasons:
        dropped[reason] += int((good_g & bad_g).sum())
        good_g &= ~bad_g
    return good_g

"""Filters of games whose tags come as columns; those of PGN are the engine's."""

from collections import Counter
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from pawn_core.config.real_games import EXACT_TIME_CONTROL, SPEEDS

_LIMITS_S = (30, 180, 480, 1500)
"""Lichess's, between the speeds by base + 40 increments; a game by correspondence has no clock."""
_NO_CLOCK = "-"


class TimeControls:
    """The time controls that are asked for."""

    def __init__(self, wanted: str) -> None:
        """`wanted`: as in a config."""
        self._exact = wanted if EXACT_TIME_CONTROL.fullmatch(wanted) else None
        self._speeds = frozenset(wanted.split(","))

    def allow(self, controls_g: Iterable[str]) -> NDArray[np.bool_]:
        """Return which of the games have one."""
        return np.array([self._allows(control) for control in controls_g], np.bool_)

    def _allows(self, control: str) -> bool:
        if self._exact is not None:
            return control == self._exact
        return speed_of(control) in self._speeds


def speed_of(control: str) -> str | None:
    """Return the speed of `BASE+INCREMENT` in seconds, or of `-`; None where it is neither."""
    if control == _NO_CLOCK:
        return SPEEDS[-1]
    if EXACT_TIME_CONTROL.fullmatch(control) is None:
        return None
    base, increment = map(int, control.split("+"))
    return SPEEDS[sum(base + 40 * increment >= limit for limit in _LIMITS_S)]


def drop(
    dropped: "Counter[str]", reasons: Iterable[tuple[str, NDArray[np.bool_]]], games: int
) -> NDArray[np.bool_]:
    """Count the games that are dropped by the first reason that applies; return the others."""
    good_g = np.ones(games, np.bool_)
    for reason, bad_g in reasons:
        dropped[reason] += int((good_g & bad_g).sum())
        good_g &= ~bad_g
    return good_g

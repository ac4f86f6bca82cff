"""Which games are trained on and which are held out: never a game of the other side's moves.

Shapes: g games.
"""

import sys
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Split(NamedTuple):
    """The first games train; of those behind them some are held out."""

    train_games: int
    held_out: NDArray[np.int64]
    """Numbers of games, ascending."""
    in_training: int
    """Games that would have been held out, had their moves not been those of a training game."""
    duplicates: int
    """Training games whose moves are those of one before."""


def split(
    digests_g: NDArray[np.uint64],
    max_games: int | None,
    val_games: int,
    own_train_games: int | None = None,
) -> Split:
    """Split games in the order in which they were read.

    own_train_games: so many came from a source of training games, the others from one of games to
    hold out. None: all are of one source; of one too short for both, the last are held out.
    """
    games = len(digests_g)
    train_games = own_train_games
    if train_games is None:
        train_games = max(games - val_games, 0)
        train_games = train_games if max_games is None else min(train_games, max_games)
    unique_digests = np.unique(digests_g[:train_games])
    fresh_g = ~contained(digests_g[train_games:], unique_digests)
    held_out = np.flatnonzero(fresh_g)[:val_games]
    looked_at = int(held_out[-1]) + 1 if len(held_out) == val_games > 0 else len(fresh_g)
    return Split(
        train_games,
        train_games + held_out,
        in_training=int((~fresh_g[:looked_at]).sum()) if val_games else 0,
        duplicates=train_games - len(unique_digests),
    )


class WantedGames:
    """Counts games as they are read, to tell when there are enough of them."""

    def __init__(self, max_games: int | None, val_games: int) -> None:
        """`max_games` come first, behind them `val_games` with other moves than theirs."""
        self._max_games, self._val_games = max_games, val_games
        self._train: list[NDArray[np.uint64]] = []
        self._train_games = self._fresh_games = 0
        self._unique_digests: NDArray[np.uint64] | None = None

    @property
    def room(self) -> int:
        """How many more training games are needed."""
        return sys.maxsize if self._max_games is None else self._max_games - self._train_games

    @property
    def trains_enough(self) -> bool:
        """Whether no further training game is needed."""
        return self.room == 0

    @property
    def enough(self) -> bool:
        """Whether no further game is needed."""
        return self.trains_enough and self._fresh_games >= self._val_games

    @property
    def share(self) -> float:
        """How much of the games that are needed there is; 0 where all of them are."""
        if self._max_games is None:
            return 0.0
        there = self._train_games + min(self._fresh_games, self._val_games)
        return there / max(self._max_games + self._val_games, 1)

    def end_training(self) -> None:
        """Take no further training game."""
        self._max_games = self._train_games

    def add(self, digests_g: NDArray[np.uint64]) -> None:
        """Count more games."""
        train_g, fresh_g = np.split(digests_g, [min(self.room, len(digests_g))])
        self._train_games += len(train_g)
        if len(train_g) and self._val_games:  # else nobody asks which they were
            self._train.append(train_g)
        if len(fresh_g):
            self._fresh_games += int((~contained(fresh_g, self._unique())).sum())

    def _unique(self) -> NDArray[np.uint64]:
        if self._unique_digests is None:
            self._unique_digests = np.unique(np.concatenate([*self._train, np.empty(0, np.uint64)]))
            self._train.clear()
        return self._unique_digests


def contained(digests_g: NDArray[np.uint64], ascending: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Return which digests are among others, which are in ascending order."""
    if not len(ascending):
        return np.zeros(len(digests_g), np.bool_)
    places_g = np.minimum(np.searchsorted(ascending, digests_g), len(ascending) - 1)
    return ascending[places_g] == digests_g

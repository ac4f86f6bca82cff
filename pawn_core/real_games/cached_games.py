"""Cached games, memory-mapped: every process that opens them shares the same pages.

Shapes: g games, b games of a batch, p plies.
"""

from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pawn_core.real_games.columns import DIGESTS, ELOS, ENDS, OUTCOMES, TOKENS
from pawn_core.real_games.vocabularies import TokenTable


@dataclass(frozen=True)
class RealGames:
    """Games side by side, in the tokens of a vocabulary."""

    tokens_bp: NDArray[np.int16]
    """Moves, PAD behind the last."""
    lengths_b: NDArray[np.int32]
    outcomes_b: NDArray[np.int16]
    """Outcome token, -1 where there is none."""
    elos_b2: NDArray[np.int16]
    """White's and Black's, -1 where unknown."""

    def __len__(self) -> int:
        """Return the number of games."""
        return len(self.lengths_b)

    @property
    def mean_elos_b(self) -> NDArray[np.float64]:
        """Mean Elo of both players, NaN where one is unknown."""
        return mean_elos(self.elos_b2)


class Games:
    """Some of the games of a cache, by number."""

    def __init__(
        self, columns: dict[str, NDArray[Any]], numbers: range | NDArray[np.int64], vocabulary: str
    ) -> None:
        """`numbers`: of the games in the cache; a range takes no memory."""
        self._columns, self._numbers = columns, numbers
        self._tokens = TokenTable.of(vocabulary)

    def __len__(self) -> int:
        """Return the number of games."""
        return len(self._numbers)

    @property
    def digests_g(self) -> NDArray[np.uint64]:
        """Digests of the moves of each game, whatever the vocabulary."""
        return self._columns[DIGESTS][self._chosen]

    @property
    def mean_elos_g(self) -> NDArray[np.float64]:
        """Mean Elo of both players of each game, NaN where one is unknown."""
        return mean_elos(self._columns[ELOS][self._chosen])

    @property
    def _chosen(self) -> slice | NDArray[np.int64]:
        numbers = self._numbers
        return slice(numbers.start, numbers.stop) if isinstance(numbers, range) else numbers

    def take(self, indices: ArrayLike) -> RealGames:
        """Return games by their index, in that order; the longest is as wide as the columns.

        Raises:
            IndexError: there is no such game.
        """
        numbers_b = self._numbers_of(np.asarray(indices, np.int64))
        ends_b = self._columns[ENDS][numbers_b]
        starts_b = np.where(numbers_b > 0, self._columns[ENDS][numbers_b - 1], 0)
        lengths_b = ends_b - starts_b
        moves = [self._columns[TOKENS][s:e] for s, e in zip(starts_b, ends_b, strict=True)]
        width = int(lengths_b.max(initial=0))
        tokens_bp = np.full((len(numbers_b), width), self._tokens.pad, np.int16)
        if moves:
            tokens_bp[np.arange(width) < lengths_b[:, None]] = self._tokens.moves(
                np.concatenate(moves)
            )
        return RealGames(
            tokens_bp,
            lengths_b.astype(np.int32),
            self._tokens.outcomes(self._columns[OUTCOMES][numbers_b]),
            np.array(self._columns[ELOS][numbers_b]),
        )

    def _numbers_of(self, indices_b: NDArray[np.int64]) -> NDArray[np.int64]:
        wrong_b = (indices_b < 0) | (indices_b >= len(self))
        if wrong_b.any():
            raise IndexError(f"there is no game {indices_b[wrong_b][0]}; there are {len(self)}")
        if isinstance(self._numbers, range):
            return self._numbers.start + indices_b
        return self._numbers[indices_b]


@dataclass(frozen=True)
class CachedGames:
    """The games of a selection."""

    train: Games
    val: Games
    counts: dict[str, Any]
    """Games read; kept; of these cut where the rules end them; dropped by reason; training games
    that are duplicates; left out of validation because they are in training; train; val."""
    source: dict[str, Any]
    """Where they are from: name, revision, and where another source is held out, its own."""
    filters: dict[str, Any]
    """What was asked of them."""
    key: str
    """Of their cache."""

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the digests of all games: equal where the same games come in that order."""
        digest = sha256(self.train.digests_g.tobytes())
        digest.update(self.val.digests_g.tobytes())
        return digest.hexdigest()

    @property
    def revisions(self) -> tuple[str | None, str | None]:
        """Commits of the data sets on the hub, of the games and of a source held out: see
        `Selection.at`."""
        return self.source["revision"], self.source.get("val_revision")

    def document(self) -> dict[str, Any]:
        """Return what a run's config record says of them, as JSON."""
        return {**self.source, **self.counts, "sha256": self.digest}


def mean_elos(elos_g2: NDArray[np.int16]) -> NDArray[np.float64]:
    """Return the mean Elo of both players of each game, NaN where one is unknown."""
    return np.where(elos_g2.min(axis=1) >= 0, elos_g2.mean(axis=1), np.nan)

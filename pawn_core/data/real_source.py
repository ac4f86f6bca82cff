"""Batches of real games out of the cache.

Shapes: b games, n predicted moves.
"""

from dataclasses import dataclass
from typing import NamedTuple

import chess_engine
import numpy as np
from chess_engine import LegalTokens, Vocabulary
from numpy.typing import NDArray

from pawn_core.data.recorded import RecordedGames
from pawn_core.data.sequences import Batch
from pawn_core.real_games import Games, RealGames


class RealBatch(NamedTuple):
    """Games with all that is known of them."""

    recorded: RecordedGames
    legal: LegalTokens
    """The legal moves before every ply."""
    elos_b: NDArray[np.float64]
    """Mean of both players, NaN where one is unknown."""


@dataclass(frozen=True)
class RealSource:
    """Games laid out for a model."""

    games: Games
    vocabulary: Vocabulary
    prepend_outcome: bool
    threads: int

    def take(self, indices: NDArray[np.int64]) -> RealBatch:
        """Return some of the games, in that order."""
        taken = self.games.take(indices)
        legal = chess_engine.compute_legal_moves(
            taken.tokens_bp, taken.lengths_b, vocabulary=self.vocabulary.name, threads=self.threads
        )
        return RealBatch(self._recorded(taken), legal, taken.mean_elos_b)

    def batch(self, indices: NDArray[np.int64], width: int | None = None) -> Batch:
        """Return some of the games to learn from, in rows of `width` tokens or as few as can be."""
        recorded, legal, _ = self.take(indices)
        return recorded.batch(legal, self.vocabulary.pad, width)

    def lengths(self, indices: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the supervised tokens of some of the games."""
        return self._recorded(self.games.take(indices)).counts_b

    def _recorded(self, taken: RealGames) -> RecordedGames:
        prefixed = self.prepend_outcome
        return RecordedGames(
            taken.tokens_bp,
            taken.lengths_b.astype(np.int64),
            taken.outcomes_b.astype(np.int64) if prefixed else None,
            first_ply=0 if prefixed else 1,
        )

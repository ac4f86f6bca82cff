"""Recorded games as a model reads them, and the moves that it predicts.

Shapes: b games, p plies, t tokens, n predicted moves, game by game.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pawn_core.data.sequences import ranges


@dataclass(frozen=True)
class RecordedGames:
    """Games side by side."""

    tokens_bp: NDArray[np.int16]
    """Moves, PAD behind the last."""
    lengths_b: NDArray[np.int64]
    """Plies, as many as are looked at."""
    outcomes_b: NDArray[np.int64] | None
    """The token in front of each game; None in the pure layout."""
    first_ply: int
    """The first ply to predict; in the pure layout at least 1."""

    @property
    def counts_b(self) -> NDArray[np.int64]:
        """Moves to predict of each game."""
        return np.maximum(self.lengths_b - self.first_ply, 0)

    @property
    def games_n(self) -> NDArray[np.int64]:
        """Each predicted move's game."""
        return np.repeat(np.arange(len(self.lengths_b)), self.counts_b)

    @property
    def plies_n(self) -> NDArray[np.int64]:
        """Each predicted move's ply."""
        return ranges(np.full(len(self.lengths_b), self.first_ply), self.counts_b)

    @property
    def targets_n(self) -> Tensor:
        """int64, the moves that were played."""
        return torch.from_numpy(self.tokens_bp[self.games_n, self.plies_n].astype(np.int64))

    def rows_n(self, lengths_b: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return each predicted move's row among the plies of games of these whole lengths."""
        starts_b = np.cumsum(lengths_b) - lengths_b
        return ranges(starts_b + self.first_ply, self.counts_b)

    def sequences(self) -> tuple[Tensor, Tensor]:
        """Return the tokens to read, int64 (b, t), and the flat positions that predict, (n,)."""
        moves = max(int(self.lengths_b.max()) - 1, 0)  # what comes before the last one
        tokens_bt = self.tokens_bp[:, : max(moves, 1)].astype(np.int64)
        before = -1
        if self.outcomes_b is not None:
            tokens_bt, before = np.column_stack((self.outcomes_b, tokens_bt)), 0
        positions_n = self.games_n * tokens_bt.shape[1] + self.plies_n + before
        return torch.from_numpy(tokens_bt), torch.from_numpy(positions_n)

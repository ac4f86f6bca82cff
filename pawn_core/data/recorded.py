"""Recorded games as a model reads them, and the moves that it predicts.

What follows a game's last move is nobody's to predict: people end games, not the rules.

Shapes: b games, p plies, t tokens, n predicted moves, game by game, m most legal moves.
"""

from dataclasses import dataclass

import numpy as np
import torch
from chess_engine import LegalTokens
from numpy.typing import NDArray
from torch import Tensor

from pawn_core.data.sequences import Batch, pairs_of, ranges


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

    def sequences(self, width: int | None = None, pad: int = 0) -> tuple[Tensor, Tensor]:
        """Return the tokens to read, int64 (b, t), and the flat positions that predict, (n,).

        Args:
            pad: fills rows up to `width` tokens, by default as many as the longest needs.
        """
        moves = max(int(self.lengths_b.max()) - 1, 0)  # what comes before the last one
        tokens_bt = self.tokens_bp[:, : max(moves, 1)].astype(np.int64)
        before = -1
        if self.outcomes_b is not None:
            tokens_bt, before = np.column_stack((self.outcomes_b, tokens_bt)), 0
        if width is not None:
            missing = width - tokens_bt.shape[1]
            tokens_bt = np.pad(tokens_bt, ((0, 0), (0, missing)), constant_values=pad)
        positions_n = self.games_n * tokens_bt.shape[1] + self.plies_n + before
        return torch.from_numpy(tokens_bt), torch.from_numpy(positions_n)

    def batch(self, legal: LegalTokens, pad: int, width: int | None = None) -> Batch:
        """Return the games to learn from: every token but a game's last move is supervised.

        Args:
            legal: the legal moves before every ply of these games.
            pad, width: as in `sequences`.
        """
        tokens_bt, positions_n = self.sequences(width, pad)
        return Batch(
            tokens_bt=tokens_bt,
            positions_n=positions_n,
            targets_n=self.targets_n,
            games=len(self.lengths_b),
            attended_pairs=pairs_of(self.counts_b),
            legal=torch.from_numpy(legal_rows(legal, self.rows_n(self.lengths_b))),
        )


def legal_rows(legal: LegalTokens, chosen_n: NDArray[np.int64]) -> NDArray[np.int16]:
    """Return some rows of legal moves, (n, m), -1 behind the last of each."""
    counts_n = np.diff(legal.offsets)[chosen_n]
    filled_nm = np.arange(counts_n.max(initial=1)) < counts_n[:, None]
    rows_nm = np.full(filled_nm.shape, -1, dtype=np.int16)
    rows_nm[filled_nm] = legal.values[ranges(legal.offsets[chosen_n], counts_n)]
    return rows_nm

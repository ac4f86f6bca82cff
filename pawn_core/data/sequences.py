"""Games as token sequences, and which positions are supervised.

Pure layout: `[m1 .. mN, PAD ..]`; position t predicts the move after the one it holds, the
last move's predicts PAD; N supervised positions, the first move is not predicted.
Prefixed layout: `[outcome, m1 .. mN, PAD ..]`; N + 1 supervised positions.

Shapes: b batch, t time, n supervised positions in row-major order.
"""

from dataclasses import dataclass

import numpy as np
import torch
from chess_engine import TrainingBatch
from numpy.typing import NDArray
from torch import Tensor

from pawn_core.data.targets import Targets, to_device


@dataclass(frozen=True)
class Batch:
    """Sequences to learn from, as wide as the longest game (or wider on request)."""

    tokens_bt: Tensor
    """int64 (b, t), the model's input."""
    positions_n: Tensor
    """int64 (n,), flat supervised positions `b * T + t`, ascending."""
    targets_n: Tensor
    """int64 (n,), the token that follows each supervised position."""
    exact: Targets | None = None
    """The true distribution of that token, where it is learned from."""

    @classmethod
    def of(cls, sequences: TrainingBatch) -> "Batch":
        """Return the engine's sequences as a batch."""
        mask = sequences.loss_mask
        return cls(
            tokens_bt=torch.from_numpy(sequences.inputs),
            positions_n=torch.from_numpy(np.flatnonzero(mask)),
            targets_n=torch.from_numpy(sequences.targets[mask]),
        )

    @property
    def games(self) -> int:
        """Number of games."""
        return self.tokens_bt.shape[0]

    @property
    def attended_pairs(self) -> int:
        """Number of (query, key) pairs of tokens that causal attention relates, padding excluded.

        A supervised position attends to itself and to all before it in its game.
        """
        return len(self.positions_n) + int((self.positions_n % self.tokens_bt.shape[1]).sum())

    def to(self, device: torch.device) -> "Batch":
        """Return the batch on a device."""
        if device.type == "cpu":
            return self
        return Batch(
            to_device(self.tokens_bt, device),
            to_device(self.positions_n, device),
            to_device(self.targets_n, device),
            self.exact.to(device) if self.exact else None,
        )


def ranges(starts: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return `start, start + 1, ..` for each start, `count` of them, one after the other."""
    before = np.cumsum(counts) - counts
    return np.arange(counts.sum()) + np.repeat(starts - before, counts)

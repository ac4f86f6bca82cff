"""Games as token sequences, and which positions are supervised.

Pure layout: `[m1 .. mN, PAD ..]`; position t predicts m(t+2 in ply count), the one after the last
move predicts PAD; N supervised positions, the first move is not predicted.
Prefixed layout: `[outcome, m1 .. mN, PAD ..]`; N + 1 supervised positions.

Shapes: b batch, t time, n supervised positions in row-major order.
"""

from dataclasses import dataclass

import numpy as np
import torch
from chess_engine import Games
from numpy.typing import NDArray
from torch import Tensor


@dataclass(frozen=True)
class Batch:
    """Sequences to learn from, as wide as the longest game (or wider on request)."""

    tokens_bt: Tensor
    """int64 (b, t), the model's input."""
    positions_n: Tensor
    """int64 (n,), flat supervised positions `b * T + t`, ascending."""
    targets_n: Tensor
    """int64 (n,), the token that each supervised position predicts."""

    @property
    def games(self) -> int:
        """Number of games."""
        return self.tokens_bt.shape[0]

    def to(self, device: torch.device) -> "Batch":
        """Return the batch on a device; copies from pinned memory overlap with compute."""
        if device.type == "cpu":
            return self
        parts = (self.tokens_bt, self.positions_n, self.targets_n)
        return Batch(*(part.pin_memory().to(device, non_blocking=True) for part in parts))


def lay_out(games: Games, pad: int, *, prefixed: bool, width: int | None = None) -> Batch:
    """Lay games out as sequences of `width` tokens; default: as many as the longest game needs."""
    supervised = supervised_counts(games, prefixed=prefixed)
    width = width or int(supervised.max())
    full = _full_sequences(games, pad, prefixed, width + 1)
    mask = np.arange(width) < supervised[:, None]
    return Batch(
        tokens_bt=torch.from_numpy(np.ascontiguousarray(full[:, :width])),
        positions_n=torch.from_numpy(np.flatnonzero(mask)),
        targets_n=torch.from_numpy(full[:, 1:][mask]),
    )


def supervised_counts(games: Games, *, prefixed: bool) -> NDArray[np.int64]:
    """Return how many positions of each game are supervised, int64 (b,)."""
    return games.lengths.astype(np.int64) + prefixed


def predicted_plies(games: Games, *, prefixed: bool) -> NDArray[np.int64]:
    """Return the ply that each supervised position predicts, int64 (n,), in `positions_n` order.

    Ply p of a game of N plies is its (p + 1)-th move; ply N is the PAD that ends it.
    """
    counts = supervised_counts(games, prefixed=prefixed)
    starts = np.repeat(np.cumsum(counts) - counts, counts)
    return np.arange(counts.sum()) - starts + (0 if prefixed else 1)


def _full_sequences(games: Games, pad: int, prefixed: bool, width: int) -> NDArray[np.int64]:
    """Return the sequences with PAD up to `width`, so that a game of full length has its PAD."""
    full = np.full((len(games.lengths), width), pad, dtype=np.int64)
    moves = games.tokens[:, : width - prefixed]
    full[:, prefixed : prefixed + moves.shape[1]] = moves
    if prefixed:
        full[:, 0] = games.outcomes
    return full

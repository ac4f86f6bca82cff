"""Games as token sequences, and which positions are supervised.

Pure layout: `[m1 .. mN, PAD ..]`; position t predicts the move after the one it holds, the
last move's predicts PAD; N supervised positions, the first move is not predicted.
Prefixed layout: `[outcome, m1 .. mN, PAD ..]`; N + 1 supervised positions.

Shapes: b batch, t time, n supervised positions in row-major order.
"""

from dataclasses import dataclass

import numpy as np
import torch
from chess_engine import Games
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
    return ranges(np.full(len(counts), 0 if prefixed else 1), counts)


def ranges(starts: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return `start, start + 1, ..` for each start, `count` of them, one after the other."""
    before = np.cumsum(counts) - counts
    return np.arange(counts.sum()) + np.repeat(starts - before, counts)


def _full_sequences(games: Games, pad: int, prefixed: bool, width: int) -> NDArray[np.int64]:
    """Return the sequences with PAD up to `width`, so that a game of full length has its PAD."""
    full = np.full((len(games.lengths), width), pad, dtype=np.int64)
    moves = games.tokens[:, : width - prefixed]
    full[:, prefixed : prefixed + moves.shape[1]] = moves
    if prefixed:
        full[:, 0] = games.outcomes
    return full

"""Games as token sequences, and which positions are supervised.

Pure layout: `[m1 .. mN, PAD ..]`; position t predicts the move after the one it holds, the
last move's predicts PAD; N supervised positions, the first move is not predicted.
Prefixed layout: `[outcome, m1 .. mN, PAD ..]`; N + 1 supervised positions.

Shapes: b batch, t time, n supervised positions, m most legal moves of a position,
r sequences of packed rows.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from chess_engine import TrainingBatch
from numpy.typing import NDArray
from torch import Tensor

from pawn_core.data.targets import Targets, to_device


@dataclass(frozen=True)
class Rows:
    """Which game each token of packed rows belongs to, and its place in that game."""

    games_bt: Tensor
    """int32 (b, t), rising along a row from 0; the padding at its end is a game of its own."""
    times_bt: Tensor
    """int32 (b, t), tokens of the same game before this one."""
    begins_r: Tensor
    """int32 (r + 1,), the first token of each game and of pieces of the padding, in rows laid end
    to end, b * t at last; r is almost always the same for the same b and t."""
    longest: int
    """Most tokens of a game or of a piece of padding."""

    def to(self, device: torch.device) -> "Rows":
        """Return the rows on a GPU."""
        return replace(
            self,
            games_bt=to_device(self.games_bt, device),
            times_bt=to_device(self.times_bt, device),
            begins_r=to_device(self.begins_r, device),
        )


@dataclass(frozen=True)
class Batch:
    """Sequences to learn from: a game a row, or several one after the other (`rows`)."""

    tokens_bt: Tensor
    """int64 (b, t), the model's input."""
    positions_n: Tensor
    """int64 (n,), flat supervised positions `b * T + t`, game by game."""
    targets_n: Tensor
    """int64 (n,), the token that follows each supervised position."""
    games: int
    """Number of games."""
    attended_pairs: int
    """(query, key) pairs of tokens that causal attention relates, padding excluded.

    A supervised position attends to itself and to all before it in its game.
    """
    exact: Targets | None = None
    """The true distribution of that token, where it is learned from."""
    rows: Rows | None = None
    """Where each game is, if rows hold several."""
    legal: Tensor | None = None
    """int16 (n, m), the legal moves at each position, -1 behind the last; where they are needed."""

    @classmethod
    def of(cls, sequences: TrainingBatch) -> "Batch":
        """Return the engine's sequences as a batch of a game a row."""
        mask = sequences.loss_mask
        return cls(
            tokens_bt=torch.from_numpy(sequences.inputs),
            positions_n=torch.from_numpy(np.flatnonzero(mask)),
            targets_n=torch.from_numpy(sequences.targets[mask]),
            games=len(mask),
            attended_pairs=pairs_of(mask.sum(axis=1)),
        )

    @property
    def units(self) -> int:
        """Number of supervised tokens."""
        return len(self.targets_n)

    def game_lengths(self) -> NDArray[np.int64]:
        """Return the supervised tokens of each game, where a row holds one."""
        width = self.tokens_bt.shape[1]
        return np.bincount(self.positions_n.numpy() // width, minlength=self.games)

    def to(self, device: torch.device) -> "Batch":
        """Return the batch on a device."""
        if self.tokens_bt.device.type == device.type:
            return self
        return replace(
            self,
            tokens_bt=to_device(self.tokens_bt, device),
            positions_n=to_device(self.positions_n, device),
            targets_n=to_device(self.targets_n, device),
            exact=self.exact and self.exact.to(device),
            rows=self.rows and self.rows.to(device),
            legal=None if self.legal is None else to_device(self.legal, device),
        )

    def tensors(self) -> list[Tensor]:
        """Return every tensor of the batch."""
        parts = (self, self.exact, self.rows)
        values = (value for part in parts if part for value in vars(part).values())
        return [value for value in values if isinstance(value, Tensor)]


def pairs_of(lengths: NDArray[np.int64]) -> int:
    """Return the pairs of games of these lengths: n (n + 1) / 2 each."""
    return int((lengths * (lengths + 1) // 2).sum())


def ranges(starts: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return `start, start + 1, ..` for each start, `count` of them, one after the other."""
    before = np.cumsum(counts) - counts
    return np.arange(counts.sum()) + np.repeat(starts - before, counts)


def places_of(games: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return where some games' supervised positions are among those of all games, in order."""
    return ranges((np.cumsum(lengths) - lengths)[games], lengths[games])


def lay_out_anew(
    batch: Batch,
    chosen_n: NDArray[np.int64],
    lengths: NDArray[np.int64],
    tokens_bt: Tensor,
    positions_n: NDArray[np.int64],
    rows: Rows | None = None,
) -> Batch:
    """Return some games of a batch, of these lengths, with their tokens at other places."""
    everything = len(chosen_n) == len(batch.targets_n) and bool((np.diff(chosen_n) > 0).all())
    targets_n, exact, legal = batch.targets_n, batch.exact, batch.legal
    if not everything:
        chosen = torch.from_numpy(chosen_n)
        targets_n = targets_n[chosen]
        exact = exact and _take_targets(exact, chosen_n)
        legal = None if legal is None else legal[chosen]
    return Batch(
        tokens_bt=tokens_bt,
        positions_n=torch.from_numpy(positions_n),
        targets_n=targets_n,
        games=len(lengths),
        attended_pairs=pairs_of(lengths),
        exact=exact,
        rows=rows,
        legal=legal,
    )


def _take_targets(targets: Targets, chosen: NDArray[np.int64]) -> Targets:
    counts = np.diff(targets.starts)[chosen]
    entries = torch.from_numpy(ranges(targets.starts[chosen], counts))
    return Targets(
        positions_e=torch.from_numpy(np.repeat(np.arange(len(chosen), dtype=np.int32), counts)),
        tokens_e=targets.tokens_e[entries],
        weights_e=targets.weights_e[entries],
        starts=np.append(0, np.cumsum(counts)),
    )

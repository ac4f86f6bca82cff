"""Batches of positions to learn from: what the engine makes of the FENs, with the labels.

A batch carries planes as uint8, as the engine makes them: the reader scales planes 17 and 18.

Shapes: n positions, m legal moves of all positions, e policy entries of all positions.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace

import numpy as np
import torch
from chess_engine import (
    POLICY_TRANSFORMS,
    POSITION_TASKS,
    EncodedPositions,
    encode_positions,
    may_mirror,
)
from numpy.typing import NDArray
from torch import Tensor

from pawn_core.data.shares import Share
from pawn_core.data.targets import to_device
from pawn_core.positions.addressed import random_bits, uniform
from pawn_core.positions.identity import FLIPPED, MIRRORED
from pawn_core.positions.library import PositionSet
from pawn_core.positions.plan import MixturePlan
from pawn_core.positions.records import PositionColumns

_SQUARES = 64


POSITIONS, POLICY, VALUE, PIECE = "positions", "policy", "value", "piece"
"""What is counted of a step: its positions; those that have a policy label, a value label, hidden
squares."""


@dataclass(frozen=True)
class PositionBatch:
    """Positions to learn from; row 0 of a board is rank 8."""

    planes: Tensor
    """uint8 (n, 19, 8, 8), as in the engine's `encode_positions`."""
    legal_rows: Tensor
    """int64 (m,), the position of each legal move, rising."""
    legal_indices: Tensor
    """int64 (m,), its policy index."""
    policy_rows: Tensor
    """int64 (e,), the position of each move that has a share, rising; unlabelled ones have none."""
    policy_indices: Tensor
    """int64 (e,), its policy index."""
    policy_probs: Tensor
    """float32 (e,), its share; each labelled position's sum to 1."""
    value_n: Tensor
    """float32 (n,), expected outcome for the side to move, -1 to 1; NaN where unlabelled."""
    source_n: Tensor
    """int64 (n,), the source, as a place in the library's `sources`."""
    game_n: Tensor
    """int64 (n,), the number of the game that each is from."""
    targets: dict[str, Tensor]
    """The engine's target of each of its POSITION_TASKS, uint8 (n, 8, 8), of pawn_structure
    (n, 8, 8, 8)."""
    piece_mask: Tensor
    """bool (n, 8, 8), squares whose pieces are hidden from the model."""
    counts: dict[str, int]
    """`positions`, and how many of them have a `policy` label, a `value` label and, for the task
    `piece`, hidden squares: of the whole step that it is a part of, over all micro-batches and
    processes. Means of losses are over these."""
    games: int
    """Number of games that they are from."""

    @property
    def units(self) -> int:
        """Number of positions."""
        return len(self.value_n)

    def to(self, device: torch.device) -> "PositionBatch":
        """Return the batch on a device."""
        if self.planes.device.type == device.type:
            return self
        moved = {
            f.name: to_device(value, device)
            for f in fields(self)
            if isinstance(value := getattr(self, f.name), Tensor)
        }
        targets = {name: to_device(target, device) for name, target in self.targets.items()}
        return replace(self, **moved, targets=targets)

    def tensors(self) -> list[Tensor]:
        """Return every tensor of the batch."""
        own = [value for value in vars(self).values() if isinstance(value, Tensor)]
        return own + list(self.targets.values())


@dataclass(frozen=True)
class Augmentation:
    """What is done to each position, drawn by the number of its sample."""

    mirror: float = 0.0
    """Probability that files are mirrored, where there are no castling rights."""
    colour_flip: float = 0.0
    """Probability that ranks, colours, side to move and rights are swapped; the value stays: it is
    that of the side to move."""
    hidden_squares: int = 0
    """Squares whose pieces are hidden, of positions that have such."""
    hidden_share: float = 1.0
    """Probability that a position has such."""

    def kinds(self, seed: int, samples_n: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return what is done to the board of each sample, as bits of the engine's transforms."""
        mirrored = uniform(seed, "mirror", samples_n) < self.mirror
        flipped = uniform(seed, "colour flip", samples_n) < self.colour_flip
        return (mirrored * MIRRORED + flipped * FLIPPED).astype(np.uint8)

    def hidden(self, seed: int, samples_n: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return the hidden squares of each sample, (n, 8, 8): the same number, or none."""
        addresses = samples_n[:, None] * _SQUARES + np.arange(_SQUARES)
        order = np.argsort(random_bits(seed, "hidden squares", addresses), axis=1)
        hidden = np.zeros((len(samples_n), _SQUARES), np.bool_)
        chosen_n1 = uniform(seed, "hidden", samples_n)[:, None] < self.hidden_share
        np.put_along_axis(hidden, order[:, : self.hidden_squares], chosen_n1, axis=1)
        return hidden.reshape(-1, 8, 8)


@dataclass(frozen=True)
class PositionStream:
    """The batches of a run."""

    positions: PositionSet
    plan: MixturePlan
    augmentation: Augmentation
    seed: int
    share: Share
    threads: int | None = None

    def step(self, index: int) -> list[PositionBatch]:
        """Return this process's micro-batches of a step, counted from 0; called from any thread."""
        first = index * self.share.batch_size
        samples = np.arange(first, first + self.share.batch_size)
        rows = self.plan.draw(first, self.share.batch_size)
        kinds = self.augmentation.kinds(self.seed, samples)
        hidden = self.augmentation.hidden(self.seed, samples)
        counts = count_labels(self.positions, rows, hidden)
        begins = [begin - first for begin in self.share.firsts(index)]
        parts = [slice(begin, begin + self.share.size) for begin in begins]
        return [
            make_batch(self.positions, rows[p], counts, kinds[p], hidden[p], self.threads)
            for p in parts
        ]


def held_out_batches(
    positions: PositionSet,
    rows: NDArray[np.int64],
    size: int,
    hidden_squares: int,
    seed: int,
    threads: int | None = None,
) -> Iterator[PositionBatch]:
    """Yield some positions as they are, in that order, `size` at once; `counts` is of all of them.

    What is hidden of each is fixed by the seed and its place in that order.
    """
    hidden = Augmentation(hidden_squares=hidden_squares).hidden(seed, np.arange(len(rows)))
    counts = count_labels(positions, rows, hidden)
    for first in range(0, len(rows), size):
        part = slice(first, first + size)
        kinds = np.zeros(len(rows[part]), np.uint8)
        yield make_batch(positions, rows[part], counts, kinds, hidden[part], threads)


def count_labels(
    positions: PositionSet, rows: NDArray[np.int64], hidden: NDArray[np.bool_]
) -> dict[str, int]:
    """Return how many of some positions have which label, as in `PositionBatch.counts`."""
    columns = positions.columns
    return {
        POSITIONS: len(rows),
        POLICY: int(columns.has_policy_n[rows].sum()),
        VALUE: int(columns.has_value_n[rows].sum()),
        PIECE: int(hidden.any(axis=(1, 2)).sum()),
    }


def make_batch(
    positions: PositionSet,
    rows: NDArray[np.int64],
    counts: dict[str, int],
    kinds: NDArray[np.uint8],
    hidden: NDArray[np.bool_],
    threads: int | None = None,
) -> PositionBatch:
    """Return some positions as a batch of a step that has these labels.

    Args:
        kinds: what is done to each board, (n,); positions with castling rights are not mirrored.
        hidden: the hidden squares, (n, 8, 8), of the boards as they then are.
    """
    taken = positions.columns.take(rows)
    fens = taken.fens()
    kinds = np.where(may_mirror(fens), kinds, kinds & ~np.uint8(MIRRORED)).astype(np.uint8)
    encoded = encode_positions(fens, kinds=kinds, threads=threads)
    return PositionBatch(
        planes=torch.from_numpy(encoded.planes),
        **_legal_moves(encoded),
        **_labels(taken, kinds),
        source_n=torch.from_numpy(positions.sources_n[rows]),
        game_n=torch.from_numpy(taken.games_n),
        targets={name: torch.from_numpy(encoded.target(name)) for name in POSITION_TASKS},
        piece_mask=torch.from_numpy(hidden),
        counts=counts,
        games=len(np.unique(taken.games_n)),
    )


def _legal_moves(encoded: EncodedPositions) -> dict[str, Tensor]:
    assert encoded.legal_moves is not None
    assert encoded.legal_offsets is not None
    counts_n = np.diff(encoded.legal_offsets)
    return {
        "legal_rows": torch.from_numpy(np.repeat(np.arange(len(counts_n)), counts_n)),
        "legal_indices": torch.from_numpy(encoded.legal_moves.astype(np.int64)),
    }


def _labels(taken: PositionColumns, kinds: NDArray[np.uint8]) -> dict[str, Tensor]:
    """Return the labels of positions to which this has been done."""
    rows = np.repeat(np.arange(len(taken)), np.diff(taken.policy_ends_n, prepend=0))
    indices = POLICY_TRANSFORMS[kinds[rows], taken.policy_indices_e]
    return {
        "policy_rows": torch.from_numpy(rows),
        "policy_indices": torch.from_numpy(indices.astype(np.int64)),
        "policy_probs": torch.from_numpy(taken.policy_probs_e),
        "value_n": torch.from_numpy(taken.values_n),
    }

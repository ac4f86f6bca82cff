"""How the games of a step lie in memory: the choice between padded, bucketed and packed batches."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pawn_core.attention.choice import skips
from pawn_core.config.game_training import GameTrainingConfig
from pawn_core.data.buckets import split_by_length, split_by_tokens
from pawn_core.data.packing import Packer, cheapest_row_counts, first_fit, row_tokens
from pawn_core.data.sequences import Batch
from pawn_core.runtime import Runtime

_SAMPLE_BATCHES = 32


class Batching(NamedTuple):
    """How the batches of a run are made."""

    width: int | None
    """Tokens of a game's row as it is laid out first; None: as many as the longest needs."""
    arrange: Callable[[Batch], list[Batch]]
    """Returns the parts of such a batch that are computed one after the other."""
    fixed_shapes: bool = False
    """Whether the parts' tokens have one of a few shapes."""


def choose_batching(config: GameTrainingConfig, runtime: Runtime) -> str:
    """Return the config's batching; for `auto`, what suits the device.

    Packed rows need attention that skips other games, else they cost more than they save.
    A compiled function wants one shape. A CPU, uncompiled, computes no padding in any batching.
    """
    if config.batching != "auto":
        return config.batching
    if skips(runtime.attention):
        return "packed"
    return "padded"


class Shape(NamedTuple):
    """What batching must know of a run's games."""

    max_seq_len: int
    """Most tokens of a game."""
    pad: int
    """Token of the padding."""
    lengths_of: Callable[[int], NDArray[np.int64]]
    """Returns the supervised tokens of each game of the k-th micro-batch."""


def build_batching(config: GameTrainingConfig, runtime: Runtime, shape: Shape) -> Batching:
    """Return how a run's micro-batches are made."""
    name = choose_batching(config, runtime)
    if name == "packed":
        return Batching(None, _packer(shape), fixed_shapes=True)
    if name == "bucketed":
        return Batching(None, split_by_length)
    if runtime.compiled:
        return Batching(shape.max_seq_len, lambda batch: [batch], fixed_shapes=True)
    on_cpu = runtime.device.type == "cpu"
    return Batching(None, split_by_tokens if on_cpu else lambda batch: [batch])


def _packer(shape: Shape) -> Packer:
    """Return a packer whose numbers of rows fit the run's own games, the first batches of them."""
    tokens = row_tokens(shape.max_seq_len)
    rows = [first_fit(shape.lengths_of(k), tokens)[0] for k in range(_SAMPLE_BATCHES)]
    counts = cheapest_row_counts([int(rows_g.max()) + 1 for rows_g in rows])
    return Packer(tokens, counts, shape.pad, shape.max_seq_len)

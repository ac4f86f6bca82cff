"""Batches whose tensors have the same shapes from step to step: what a recorded step needs.

Shapes: b batch, t time, n positions, e target entries.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from pawn_core.data.micro_batch import MicroBatch
from pawn_core.data.sequences import Batch
from pawn_core.data.targets import Targets

IGNORED = -100
"""Target of a position that is not supervised."""
_ENTRIES = 4
"""Entries a position of a chunk are a multiple of this: few batches need another number."""


@dataclass(frozen=True)
class FixedBatch(Batch):
    """A batch with every position of its rows, the supervised ones first, in their order.

    Targets of the others are IGNORED. Exact targets have as many entries in each chunk of
    positions as in the others, the spare ones with weight 0.
    """

    supervised: int = 0
    """How many positions are."""
    edges: tuple[int, ...] = ()
    """Where the chunks' entries begin, and where the last one's end."""

    @property
    def units(self) -> int:
        """Number of supervised tokens."""
        return self.supervised


def signature_of(batch: MicroBatch) -> Hashable | None:
    """Return what batches have in common that a recorded step can do; None where it cannot."""
    if not isinstance(batch, FixedBatch):
        return None
    return (batch.edges, *((tensor.shape, tensor.dtype) for tensor in batch.tensors()))


def with_fixed_shapes(batch: Batch, chunks: Sequence[slice], spare_token: int) -> FixedBatch:
    """Return a batch padded to shapes that follow from its rows, and almost only from them.

    chunks: those of all b * t positions whose entries are counted together; spare_token: one that
    is no target.
    """
    supervised, everywhere = len(batch.positions_n), batch.tokens_bt.numel()
    others = np.ones(everywhere, dtype=bool)
    others[batch.positions_n.numpy()] = False
    positions_n = torch.cat((batch.positions_n, torch.from_numpy(np.flatnonzero(others))))
    targets_n = torch.full((everywhere,), IGNORED)
    targets_n[:supervised] = batch.targets_n
    fields = {f: v for f, v in vars(batch).items() if f not in ("positions_n", "targets_n")}
    fixed = FixedBatch(
        **fields, positions_n=positions_n, targets_n=targets_n, supervised=supervised
    )
    if batch.exact is None:
        return fixed
    rows = [*(chunk.start for chunk in chunks), everywhere]
    exact = _with_fixed_entries(batch.exact, rows, spare_token)
    return replace(fixed, exact=exact, edges=tuple(map(int, exact.starts[rows])))


def _with_fixed_entries(targets: Targets, rows: Sequence[int], spare_token: int) -> Targets:
    """Return the entries with spare ones at the last position of each chunk.

    `rows` are the chunks' first positions, and the number of all.
    """
    spare_rows = rows[-1] + 1 - len(targets.starts)
    starts = np.append(targets.starts, np.full(spare_rows, targets.starts[-1]))
    counts, sizes = np.diff(starts[rows]), np.diff(rows)
    per_position = -(-int(np.ceil((counts / sizes).max())) // _ENTRIES) * _ENTRIES
    places = sizes * per_position
    begins = np.cumsum(places) - places
    moves = [*zip(begins, starts[rows[:-1]], counts, strict=True)]
    last_rows = torch.from_numpy(np.repeat(np.array(rows[1:], dtype=np.int32) - 1, places))
    spare_e = torch.full_like(last_rows, spare_token, dtype=targets.tokens_e.dtype)
    return Targets(
        positions_e=_placed(targets.positions_e, last_rows, moves),
        tokens_e=_placed(targets.tokens_e, spare_e, moves),
        weights_e=_placed(targets.weights_e, torch.zeros(len(spare_e)), moves),
        starts=np.append(starts[:-1] + np.repeat(begins - starts[rows[:-1]], sizes), places.sum()),
    )


def _placed(values_e: Tensor, spare_e: Tensor, moves: Sequence[tuple[int, int, int]]) -> Tensor:
    """Put values in place of spare ones: to a place, from a place, so many."""
    for begin, source, count in moves:
        spare_e[begin : begin + count] = values_e[source : source + count]
    return spare_e

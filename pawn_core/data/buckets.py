"""Split a batch into parts of games of like length, so that little is computed on padding.

Shapes: b games, t time, n supervised positions, e target entries.
"""

from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pawn_core.data.sequences import Batch, ranges
from pawn_core.data.targets import Targets

_PART_COST = 256.0
"""What one more part costs, in tokens; for the toy on a CPU, 128 to 1024 measured alike."""
_ATTENTION_WIDTH = 1024.0
"""Width at which attention costs as much as the rest of a layer, toy on a CPU."""


def split_by_length(batch: Batch) -> list[Batch]:
    """Return the batch's games in parts, shortest games first; one part where that is cheapest.

    The summed loss and its gradient stay the same: no position sees another game.
    """
    width = batch.tokens_bt.shape[1]
    lengths = np.bincount(batch.positions_n.numpy() // width, minlength=batch.games)
    order = np.argsort(lengths, kind="stable")
    cuts = cheapest_cuts(lengths[order])
    if len(cuts) == 2:
        return [batch]
    return [_take(batch, lengths, order[begin:end]) for begin, end in pairwise(cuts)]


def cheapest_cuts(lengths: NDArray[np.int64]) -> list[int]:
    """Return where to cut rising lengths: `[0, .., len(lengths)]`, of least total cost.

    A part of n games of up to w tokens costs n * w * (1 + w / 1024) + 256.
    """
    widths = lengths.astype(np.float64)
    token_cost = widths * (1.0 + widths / _ATTENTION_WIDTH)
    best, last = np.zeros(len(lengths) + 1), np.zeros(len(lengths) + 1, dtype=np.int64)
    for end in range(1, len(lengths) + 1):
        costs = best[:end] + (end - np.arange(end)) * token_cost[end - 1] + _PART_COST
        last[end] = np.argmin(costs)
        best[end] = costs[last[end]]
    cuts = [len(lengths)]
    while cuts[-1]:
        cuts.append(int(last[cuts[-1]]))
    return cuts[::-1]


def _take(batch: Batch, lengths: NDArray[np.int64], rows: NDArray[np.int64]) -> Batch:
    counts = lengths[rows]
    width = int(counts.max())
    chosen = ranges((np.cumsum(lengths) - lengths)[rows], counts)
    positions = ranges(np.arange(len(rows)) * width, counts)
    return Batch(
        tokens_bt=batch.tokens_bt[torch.from_numpy(rows), :width].contiguous(),
        positions_n=torch.from_numpy(positions),
        targets_n=batch.targets_n[torch.from_numpy(chosen)],
        exact=_take_targets(batch.exact, chosen) if batch.exact else None,
    )


def _take_targets(targets: Targets, chosen: NDArray[np.int64]) -> Targets:
    counts = np.diff(targets.starts)[chosen]
    entries: Tensor = torch.from_numpy(ranges(targets.starts[chosen], counts))
    return Targets(
        positions_e=torch.from_numpy(np.repeat(np.arange(len(chosen)), counts)),
        tokens_e=targets.tokens_e[entries],
        weights_e=targets.weights_e[entries],
        starts=np.append(0, np.cumsum(counts)),
    )

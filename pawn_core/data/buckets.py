"""Split a batch into parts: of like length against padding, or of few tokens against memory.

Shapes: b games, t time.
"""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray

from pawn_core.data.sequences import Batch, lay_out_anew, places_of, ranges

_PART_COST = 256.0
"""What one more part costs, in tokens; for the toy on a CPU, 128 to 1024 measured alike."""
_PART_TOKENS = 8192
"""Most tokens of a part where padding costs nothing: small on a CPU keeps 0.5 GB of them."""
_ATTENTION_WIDTH = 1024.0
"""Width at which attention costs as much as the rest of a layer, toy on a CPU."""


def split_by_length(batch: Batch) -> list[Batch]:
    """Return the batch's games in parts, shortest games first; one part where that is cheapest.

    The summed loss and its gradient stay the same: no position sees another game.
    """
    return _split(batch, cheapest_cuts)


def split_by_tokens(batch: Batch) -> list[Batch]:
    """Return the batch's games in the fewest parts of about the same, limited number of tokens."""
    return _split(batch, even_cuts)


def _split(batch: Batch, cuts_of: Callable[[NDArray[np.int64]], list[int]]) -> list[Batch]:
    lengths = batch.game_lengths()
    order = np.argsort(lengths, kind="stable")
    cuts = cuts_of(lengths[order])
    if len(cuts) == 2:
        return [batch]
    return [_take(batch, lengths, order[begin:end]) for begin, end in pairwise(cuts)]


def even_cuts(lengths: NDArray[np.int64]) -> list[int]:
    """Return where to cut so that parts have as many tokens as each other, to within a game."""
    ends = np.cumsum(lengths)
    parts = -(-int(ends[-1]) // _PART_TOKENS)
    even_ends = np.arange(1, parts) * ends[-1] / parts
    return np.unique([0, *(np.searchsorted(ends, even_ends) + 1), len(lengths)]).tolist()


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


def _take(batch: Batch, lengths: NDArray[np.int64], games: NDArray[np.int64]) -> Batch:
    counts = lengths[games]
    width = int(counts.max())
    tokens_bt = batch.tokens_bt[torch.from_numpy(games), :width].contiguous()
    positions = ranges(np.arange(len(games)) * width, counts)
    return lay_out_anew(batch, places_of(games, lengths), counts, tokens_bt, positions)

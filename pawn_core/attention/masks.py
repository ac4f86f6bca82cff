"""What each way of attention must know of rows that hold several games.

Shapes: b batch, t time, q and s blocks of queries and of keys, r sequences.
"""

from typing import TYPE_CHECKING, NamedTuple, Protocol

import torch
from torch import Tensor

if TYPE_CHECKING:
    from torch.nn.attention.flex_attention import BlockMask

BLOCK = 128
"""Flex attention skips blocks of so many queries and keys; a row is a whole number of them."""


class PackedRows(Protocol):
    """Where games lie in rows."""

    @property
    def games_bt(self) -> Tensor:
        """Int (b, t), rising along a row; the padding at its end is a game of its own."""
        ...

    @property
    def begins_r(self) -> Tensor:
        """As in `Sequences`; a game is one of them, and padding is some."""
        ...

    @property
    def longest(self) -> int:
        """As in `Sequences`."""
        ...


class Sequences(NamedTuple):
    """Sequences that lie one after the other, without gaps, in rows laid end to end."""

    begins_r: Tensor
    """int32 (r + 1,), the first token of each, b * t at the end; none is empty."""
    longest: int
    """Most tokens that a sequence may have: one number for all batches of a run."""
    kernel: str
    """What computes it, see `pawn_core.attention.fused`."""


def dense_mask(games_bt: Tensor) -> Tensor:
    """Return bool (b, 1, t, t): whether a query's key is of its game and not after it."""
    same_btt = games_bt[:, :, None] == games_bt[:, None, :]
    return same_btt.tril()[:, None]


def block_mask(games_bt: Tensor) -> "BlockMask":
    """Return the same for flex attention, which skips blocks that no query sees.

    The blocks follow from the games at their ends, since games rise along a row: nothing of the
    size (t, t) is made. t is a multiple of 128.
    """
    from torch.nn.attention.flex_attention import BlockMask

    first_bs, last_bs = games_bt[:, ::BLOCK], games_bt[:, BLOCK - 1 :: BLOCK]
    block = torch.arange(first_bs.shape[1], device=games_bt.device)
    begun_bqs = (last_bs[:, None, :] >= first_bs[:, :, None]) & (block[:, None] >= block)
    one_game_bs = first_bs == last_bs
    whole_bqs = begun_bqs & (one_game_bs[:, :, None] & one_game_bs[:, None, :])
    whole_bqs &= block[:, None] > block
    partial, whole = _ordered(begun_bqs & ~whole_bqs), _ordered(whole_bqs)

    def sees(b: Tensor, h: Tensor, query: Tensor, key: Tensor) -> Tensor:
        return (query >= key) & (games_bt[b, query] == games_bt[b, key])

    return BlockMask.from_kv_blocks(*partial, *whole, BLOCK_SIZE=BLOCK, mask_mod=sees)


def _ordered(blocks_bqs: Tensor) -> tuple[Tensor, Tensor]:
    """Return how many blocks of keys each block of queries has, and which: those first."""
    counts = blocks_bqs.sum(dim=-1, dtype=torch.int32)
    order = blocks_bqs.int().argsort(dim=-1, descending=True, stable=True).int()
    return counts[:, None], order[:, None]

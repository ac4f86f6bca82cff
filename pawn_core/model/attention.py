"""Causal attention, over rows of one game or of several that must not see each other.

Shapes: b batch, t time, h heads, k channels of a head, q and s blocks of queries and of keys.
"""

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from pawn_core.data.packing import BLOCK_TOKENS as BLOCK
from pawn_core.model.spans import GameSpans, PromptSpans, attend_prompt_spans, attend_spans

if TYPE_CHECKING:
    from torch.nn.attention.flex_attention import BlockMask

SMALLEST_HEAD = 16
"""Channels of a head that flex attention needs at least."""


class Packed(NamedTuple):
    """What the model needs to know of rows that hold several games."""

    times_bt: Tensor
    """int (b, t), each token's place in its game."""
    mask: "Tensor | BlockMask | GameSpans | PromptSpans"
    """Which keys a query sees: those of its game, or text and prompt, that are not after it."""


def attend(
    q_bhtk: Tensor,
    k_bhtk: Tensor,
    v_bhtk: Tensor,
    mask: "Tensor | BlockMask | GameSpans | PromptSpans | None" = None,
    *,
    causal: bool = True,
) -> Tensor:
    """Return attention's mix of the values, (b, h, t, k); a mask stands in for `causal`."""
    if mask is None:
        return F.scaled_dot_product_attention(q_bhtk, k_bhtk, v_bhtk, is_causal=causal)
    if isinstance(mask, Tensor):
        return F.scaled_dot_product_attention(q_bhtk, k_bhtk, v_bhtk, attn_mask=mask)
    if isinstance(mask, GameSpans | PromptSpans):
        q_nhk, k_nhk, v_nhk = (x[0].transpose(0, 1) for x in (q_bhtk, k_bhtk, v_bhtk))
        if isinstance(mask, PromptSpans):
            return attend_prompt_spans(q_nhk, k_nhk, v_nhk, mask).transpose(0, 1)[None]
        return attend_spans(q_nhk, k_nhk, v_nhk, mask).transpose(0, 1)[None]
    from torch.nn.attention.flex_attention import flex_attention

    mixed = flex_attention(q_bhtk, k_bhtk, v_bhtk, block_mask=mask)
    assert isinstance(mixed, Tensor)
    return mixed


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

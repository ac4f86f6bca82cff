"""Causal attention, over rows of one game or of several that must not see each other.

Shapes: b batch, t time, h heads, k channels of a head.
"""

from typing import TYPE_CHECKING, NamedTuple

from torch import Tensor
from torch.nn import functional as F

from pawn_core.attention.fused import attend_sequences
from pawn_core.attention.masks import Sequences
from pawn_core.model.spans import GameSpans, PromptSpans, attend_prompt_spans, attend_spans

if TYPE_CHECKING:
    from torch.nn.attention.flex_attention import BlockMask

    Mask = Tensor | BlockMask | Sequences | GameSpans | PromptSpans


class Packed(NamedTuple):
    """What the model needs to know of rows that hold several games."""

    times_bt: Tensor
    """int (b, t), each token's place in its game."""
    mask: "Mask"
    """Which keys a query sees: those of its game, or text and prompt, that are not after it."""


def spans_of(packed: Packed | None) -> GameSpans | None:
    """Return where the games of one row lie, if that is what is known."""
    return packed.mask if packed is not None and isinstance(packed.mask, GameSpans) else None


def attend(
    q_bhtk: Tensor,
    k_bhtk: Tensor,
    v_bhtk: Tensor,
    mask: "Mask | None" = None,
    *,
    causal: bool = True,
) -> Tensor:
    """Return attention's mix of the values, (b, h, t, k); a mask stands in for `causal`."""
    if mask is None:
        return F.scaled_dot_product_attention(q_bhtk, k_bhtk, v_bhtk, is_causal=causal)
    if isinstance(mask, Tensor):
        return F.scaled_dot_product_attention(q_bhtk, k_bhtk, v_bhtk, attn_mask=mask)
    if isinstance(mask, Sequences):
        return attend_sequences(q_bhtk, k_bhtk, v_bhtk, mask)
    if isinstance(mask, GameSpans | PromptSpans):
        q_nhk, k_nhk, v_nhk = (x[0].transpose(0, 1) for x in (q_bhtk, k_bhtk, v_bhtk))
        if isinstance(mask, PromptSpans):
            return attend_prompt_spans(q_nhk, k_nhk, v_nhk, mask).transpose(0, 1)[None]
        return attend_spans(q_nhk, k_nhk, v_nhk, mask).transpose(0, 1)[None]
    from torch.nn.attention.flex_attention import flex_attention

    mixed = flex_attention(q_bhtk, k_bhtk, v_bhtk, block_mask=mask)
    assert isinstance(mixed, Tensor)
    return mixed

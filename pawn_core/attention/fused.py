"""Causal attention within sequences of any length, by kernels of a GPU that skip all other pairs.

They compute in 16 bits, sums in float32, and nothing that two sequences would share. Under
torch.compile each is one node of the graph.

Shapes: n tokens of all sequences, h heads, k channels of a head.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from pawn_core.attention.masks import Sequences

WIDTH_STEP, WIDEST_HEAD = 8, 256
"""Channels of a head are a multiple of the one and no more than the other."""

Kernel = Callable[[Tensor, Tensor, Tensor, Sequences], Tensor]
"""Takes q, k, v (n, h, k) and where sequences are; returns the mix of the values (n, h, k)."""


def attend_sequences(q_bhtk: Tensor, k_bhtk: Tensor, v_bhtk: Tensor, where: Sequences) -> Tensor:
    """Return attention's mix of the values, (b, h, t, k).

    Heads that lie beside each other in memory, as projections leave them, are not copied.
    """
    q_nhk, k_nhk, v_nhk = (x.transpose(1, 2).flatten(0, 1) for x in (q_bhtk, k_bhtk, v_bhtk))
    mixed_nhk = KERNELS[where.kernel](q_nhk, k_nhk, v_nhk, where)
    return mixed_nhk.unflatten(0, (q_bhtk.shape[0], -1)).transpose(1, 2)


def _varlen(q_nhk: Tensor, k_nhk: Tensor, v_nhk: Tensor, where: Sequences) -> Tensor:
    """By the kernel that torch prefers on the device: cuDNN's or flash attention."""
    from pawn_core.attention import varlen  # imports the compiler, which takes seconds

    return varlen.attend(q_nhk, k_nhk, v_nhk, where)


def _flash(q_nhk: Tensor, k_nhk: Tensor, v_nhk: Tensor, where: Sequences) -> Tensor:
    """By the kernel of flash attention that torch brings with it (Dao, 2023, arXiv 2307.08691)."""
    bounds = (where.begins_r, where.begins_r, where.longest, where.longest)
    mixed_nhk, *_ = torch.ops.aten._flash_attention_forward(
        q_nhk, k_nhk, v_nhk, *bounds, dropout_p=0.0, is_causal=True, return_debug_mask=False
    )
    return mixed_nhk


KERNELS: dict[str, Kernel] = {"varlen": _varlen, "flash": _flash}

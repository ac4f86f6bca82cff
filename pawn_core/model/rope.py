"""Rotary position embedding over interleaved channel pairs (Su et al., 2021, arXiv 2104.09864).

Shapes: b batch, t time, h heads, k channels of a head, p = k // 2 channel pairs.
"""

import torch
from torch import Tensor

BASE = 10_000.0


def rotation_table(max_seq_len: int, head_dim: int) -> Tensor:
    """Return cos and sin of every position's angles, float32 (max_seq_len, p, 2).

    Channel pair i of position t turns by t * BASE^(-i / p) radians.
    """
    pairs = head_dim // 2
    frequencies = BASE ** (-torch.arange(pairs, dtype=torch.float64) / pairs)
    angles = torch.outer(torch.arange(max_seq_len, dtype=torch.float64), frequencies)
    return torch.stack((angles.cos(), angles.sin()), dim=-1).float()


def rotate(x_bthk: Tensor, table_tp2: Tensor) -> Tensor:
    """Turn channels (2i, 2i + 1) of each head by the position's angle i; dtype is kept.

    The last of an odd number of channels stays. The table may have a batch dimension, where
    positions differ between rows.
    """
    # One complex product is several times faster uncompiled; the compiler has none, and fuses.
    turn = _rotate_real if torch.compiler.is_compiling() else _rotate_complex
    paired = 2 * table_tp2.shape[-2]
    if paired == x_bthk.shape[-1]:
        return turn(x_bthk, table_tp2)
    turned = turn(x_bthk[..., :paired].contiguous(), table_tp2)
    return torch.cat((turned, x_bthk[..., paired:]), dim=-1)


def _rotate_complex(x_bthk: Tensor, table_tp2: Tensor) -> Tensor:
    pairs = torch.view_as_complex(x_bthk.float().unflatten(-1, (-1, 2)))
    turned = pairs * torch.view_as_complex(table_tp2).unsqueeze(-2)
    return torch.view_as_real(turned).flatten(-2).to(x_bthk.dtype)


def _rotate_real(x_bthk: Tensor, table_tp2: Tensor) -> Tensor:
    even, odd = x_bthk.float().unflatten(-1, (-1, 2)).unbind(-1)
    cos, sin = table_tp2.unsqueeze(-3).unbind(-1)
    turned = torch.stack((even * cos - odd * sin, even * sin + odd * cos), dim=-1)
    return turned.flatten(-2).to(x_bthk.dtype)

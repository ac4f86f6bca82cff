"""Rotary position embedding over interleaved channel pairs (Su et al., 2021, arXiv 2104.09864).

Shapes: b batch, t time, h heads, k channels of a head.
"""

import torch
from torch import Tensor

BASE = 10_000.0


def rotation_table(max_seq_len: int, head_dim: int) -> tuple[Tensor, Tensor]:
    """Return cos and sin of every position's angles, each float32 (max_seq_len, head_dim / 2).

    Channel pair i of position t turns by t * BASE^(-2i / head_dim) radians.
    """
    frequencies = BASE ** (-torch.arange(0, head_dim, 2, dtype=torch.float64) / head_dim)
    angles = torch.outer(torch.arange(max_seq_len, dtype=torch.float64), frequencies)
    return angles.cos().float(), angles.sin().float()


def rotate(x_bthk: Tensor, cos_tk: Tensor, sin_tk: Tensor) -> Tensor:
    """Turn channels (2i, 2i + 1) of each head by the position's angle i; dtype is kept."""
    even, odd = x_bthk.unflatten(-1, (-1, 2)).unbind(-1)
    cos, sin = cos_tk[:, None].to(x_bthk.dtype), sin_tk[:, None].to(x_bthk.dtype)
    return torch.stack((even * cos - odd * sin, even * sin + odd * cos), dim=-1).flatten(-2)

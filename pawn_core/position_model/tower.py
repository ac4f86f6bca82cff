"""A residual tower over the board (He et al., 2016, arXiv 1603.05027), with attention in between.

Sizes and order are those of Matrix0, without its dropout and stochastic depth: what a position
comes to depends on nothing else. Shapes: n positions, c channels, r ranks, f files, h heads,
k channels of a head, s and t squares, in the order of the engine's planes.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pawn_core.position_model.inputs import INPUT_PLANES
from pawn_core.position_model.parts import Unit, group_norm
from pawn_core.position_model.spec import PositionModelSpec

SQUEEZE_RATIO = 0.25
LEAST_SQUEEZED = 8


class PositionFeatures(nn.Module):
    """What each square is and has around it: a learned encoding, a 1x1 and a 3x3 residual."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.squares = nn.Parameter(torch.zeros(channels, 8, 8))
        self.own = Unit(channels, channels, kernel=1)
        self.around = Unit(channels, channels, kernel=3)

    def forward(self, x_ncrf: Tensor) -> Tensor:
        """Return the same shape."""
        x_ncrf = x_ncrf + self.squares
        x_ncrf = x_ncrf + self.own(x_ncrf)
        return x_ncrf + self.around(x_ncrf)


class SqueezeExcite(nn.Module):
    """Scale channels by what the whole board says (Hu et al., 2018, arXiv 1709.01507)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        squeezed = squeezed_channels(channels)
        self.squeeze = nn.Linear(channels, squeezed)
        self.excite = nn.Linear(squeezed, channels)

    def forward(self, x_ncrf: Tensor) -> Tensor:
        """Return the same shape."""
        scale_nc = torch.sigmoid(self.excite(F.silu(self.squeeze(x_ncrf.mean(dim=(2, 3))))))
        return x_ncrf * scale_nc[:, :, None, None]


def squeezed_channels(channels: int) -> int:
    """Return the width between squeezing and exciting."""
    return max(LEAST_SQUEEZED, int(channels * SQUEEZE_RATIO))


class ResidualBlock(nn.Module):
    """Two convolutions, each of a normalized and activated copy, squeezed and added back."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm_in = group_norm(channels)
        self.conv_in = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm_mid = group_norm(channels)
        self.conv_mid = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.gate = SqueezeExcite(channels)

    def forward(self, x_ncrf: Tensor) -> Tensor:
        """Return the same shape."""
        y_ncrf = self.conv_in(F.silu(self.norm_in(x_ncrf)))
        y_ncrf = self.conv_mid(F.silu(self.norm_mid(y_ncrf)))
        return x_ncrf + self.gate(y_ncrf)


class BoardAttention(nn.Module):
    """Attention between squares with a learned bias of each pair, added back.

    A share of what a head mixes is confined to pairs that a piece could go between.
    """

    def __init__(self, channels: int, heads: int, mask_share: float) -> None:
        super().__init__()
        self.heads, self.mask_share = heads, mask_share
        self.norm = nn.LayerNorm(channels)
        self.qkv = nn.Linear(channels, 3 * channels, bias=False)
        self.mixed = nn.Linear(channels, channels, bias=False)
        self.pair_bias = nn.Parameter(torch.zeros(heads, 64, 64))
        self.register_buffer("blocked", blocked_pairs(), persistent=False)

    def forward(self, x_ncrf: Tensor) -> Tensor:
        """Return the same shape."""
        x_nsc = x_ncrf.flatten(2).transpose(1, 2)
        parts = self.qkv(self.norm(x_nsc)).unflatten(-1, (3, self.heads, -1))
        q, k, v = parts.permute(2, 0, 3, 1, 4)
        mixed_nhsk = self._attend(q, k, v)
        y_nsc = x_nsc + self.mixed(mixed_nhsk.transpose(1, 2).flatten(-2))
        return y_nsc.transpose(1, 2).unflatten(-1, (8, 8))

    def _attend(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        share, bias_hst = self.mask_share, self.pair_bias
        lines_hst = bias_hst + self.get_buffer("blocked")
        if share in (0.0, 1.0):
            bias_hst = lines_hst if share else bias_hst
            return F.scaled_dot_product_attention(q, k, v, attn_mask=bias_hst.to(q.dtype))
        scores_nhst = ((q * q.shape[-1] ** -0.5) @ k.transpose(-2, -1)).float()
        everywhere = (scores_nhst + bias_hst).softmax(dim=-1)
        along_lines = (scores_nhst + lines_hst).softmax(dim=-1)
        return torch.lerp(everywhere, along_lines, share).to(v.dtype) @ v


def blocked_pairs() -> Tensor:
    """Return float32 (64, 64): 0 for squares that a piece could go between or one and the same.

    That is along ranks, files and diagonals, and by knights and kings; -inf for others.
    """
    ranks_s, files_s = torch.arange(64) // 8, torch.arange(64) % 8
    ranks = (ranks_s[:, None] - ranks_s).abs()
    files = (files_s[:, None] - files_s).abs()
    open_st = (ranks == 0) | (files == 0) | (ranks == files) | (ranks * files == 2)
    return torch.zeros(64, 64).masked_fill(~open_st, -torch.inf)


class Tower(nn.Module):
    """Planes to channels of each square."""

    def __init__(self, spec: PositionModelSpec) -> None:
        super().__init__()
        channels, blocks, heads, _ = spec.architecture
        self.stem = Unit(INPUT_PLANES, channels, kernel=3)
        self.features = PositionFeatures(channels)
        self.layers = nn.ModuleList()
        for block in range(1, blocks + 1):
            self.layers.append(ResidualBlock(channels))
            if spec.attention_every and block % spec.attention_every == 0:
                share = spec.attention_mask_share
                self.layers.append(BoardAttention(channels, heads, share))

    def forward(self, x_ncrf: Tensor) -> Tensor:
        """Return (n, channels, 8, 8) of input planes (n, 20, 8, 8).

        A square's channels lie together in memory: a step of a small tower takes about an eighth
        less on a CPU, and it is how tensor cores take it.
        """
        x_ncrf = x_ncrf.contiguous(memory_format=torch.channels_last)
        x_ncrf = self.features(self.stem(x_ncrf))
        for layer in self.layers:
            x_ncrf = layer(x_ncrf)
        return x_ncrf

"""What trunks and heads are made of.

Shapes: n positions, c channels, r ranks, f files.
"""

from torch import Tensor, nn
from torch.nn import functional as F

CHANNELS_OF_A_GROUP = 16


def group_norm(channels: int) -> nn.GroupNorm:
    """Return a normalization of groups of 16 channels of a position (Wu & He, 2018).

    Unlike batch normalization it computes the same for a position in any batch, in training too.
    """
    groups = max(1, channels // CHANNELS_OF_A_GROUP)
    while channels % groups:
        groups -= 1
    return nn.GroupNorm(groups, channels)


class Unit(nn.Module):
    """A convolution, normalized, through SiLU."""

    def __init__(self, inputs: int, outputs: int, kernel: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False)
        self.norm = group_norm(outputs)

    def forward(self, x_ncrf: Tensor) -> Tensor:
        """Return (n, outputs, 8, 8) of (n, inputs, 8, 8)."""
        return F.silu(self.norm(self.conv(x_ncrf)))

"""This project's transformer over the 64 squares of a board, all of which see each other.

Shapes: n positions, s squares, d channels, r ranks, f files.
"""

import torch
from torch import Tensor, nn

from pawn_core.model.norm import RMSNorm
from pawn_core.model.rope import rotation_table
from pawn_core.model.transformer import NORM_EPS, Block
from pawn_core.position_model.inputs import INPUT_PLANES
from pawn_core.position_model.spec import PositionModelSpec


class SquareTransformer(nn.Module):
    """Planes to channels of each square: a token a square, turned by its rank and its file."""

    def __init__(self, spec: PositionModelSpec) -> None:
        super().__init__()
        width, layers, heads, _ = architecture = spec.architecture
        self.embed = nn.Linear(INPUT_PLANES, width)
        self.squares = nn.Parameter(torch.zeros(64, width))
        self.layers = nn.ModuleList(Block(architecture, causal=False) for _ in range(layers))
        self.final_norm = RMSNorm(width, eps=NORM_EPS)
        self.register_buffer("rope", board_rotation(width // heads), persistent=False)

    def forward(self, x_ncrf: Tensor) -> Tensor:
        """Return (n, channels, 8, 8) of input planes (n, 20, 8, 8)."""
        x_nsd = self.embed(x_ncrf.flatten(2).transpose(1, 2)) + self.squares
        for layer in self.layers:
            x_nsd = layer(x_nsd, self.get_buffer("rope"))
        return self.final_norm(x_nsd).transpose(1, 2).unflatten(-1, (8, 8))


def board_rotation(head_channels: int) -> Tensor:
    """Return cos and sin of the angles of 64 squares, float32 (64, p, 2).

    The first half of the p pairs of channels turns by the row, the other by the column: what two
    squares are to each other depends on the step between them (as Su et al., 2021, in two
    dimensions).
    """
    table_8p2 = rotation_table(8, head_channels // 2)
    rows = table_8p2.repeat_interleave(8, dim=0)
    columns = table_8p2.repeat(8, 1, 1)
    return torch.cat((rows, columns), dim=1)

"""What a trunk reads of a position: the engine's planes in scale, without what is hidden.

Shapes: n positions, r ranks from the eighth to the first, f files from a to h.
"""

import torch
from torch import Tensor

ENGINE_PLANES = 19
INPUT_PLANES = ENGINE_PLANES + 1
"""The last says which squares are hidden: their pieces are none, and they are not empty."""
PIECE_PLANES = 12
MOST_HALFMOVES, MOST_MOVES = 99, 199
"""What planes 17 and 18 hold at most, halfmove clock and move number: 1 in the model's scale."""


def plane_scales(device: torch.device | str = "cpu") -> Tensor:
    """Return what each of the engine's planes is multiplied with, float32 (19, 1, 1)."""
    scales = torch.ones(ENGINE_PLANES, 1, 1, device=device)
    scales[17], scales[18] = 1 / MOST_HALFMOVES, 1 / MOST_MOVES
    return scales


def input_planes(planes_ncrf: Tensor, scales_c11: Tensor, hidden_nrf: Tensor | None) -> Tensor:
    """Return float32 (n, 20, 8, 8) of the engine's planes, uint8 (n, 19, 8, 8).

    `hidden_nrf`: bool, squares whose piece is not shown; None hides none. What follows from pieces
    beyond these squares stays: side to move, castling rights, counters.

    Raises:
        ValueError: the planes are of another type or shape, as planes in scale are.
    """
    if planes_ncrf.dtype is not torch.uint8 or planes_ncrf.shape[1:] != (ENGINE_PLANES, 8, 8):
        raise ValueError(
            f"planes are {planes_ncrf.dtype} {tuple(planes_ncrf.shape)}; allowed: torch.uint8 "
            f"(n, {ENGINE_PLANES}, 8, 8), not in scale"
        )
    x_ncrf = planes_ncrf * scales_c11
    if hidden_nrf is None:
        return torch.cat((x_ncrf, torch.zeros_like(x_ncrf[:, :1])), dim=1)
    hidden_n1rf = hidden_nrf[:, None]
    pieces = x_ncrf[:, :PIECE_PLANES].masked_fill(hidden_n1rf, 0.0)
    return torch.cat((pieces, x_ncrf[:, PIECE_PLANES:], hidden_n1rf.to(x_ncrf)), dim=1)

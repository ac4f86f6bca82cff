"""What positions are worth: one convention, whatever they come from.

A value is the expected outcome for the side to move: 1 it wins, 0 a draw, -1 it loses. Centipawns
are for the side to move too, unless a name says `white`. Shapes: n positions, m moves of one.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

CENTIPAWN_SLOPE = 0.00368208
"""Of the win percentage that Lichess fitted to its games (lichess.org/page/accuracy)."""
POLICY_SCALE_CP = 100.0
"""A move that is worth so much less than another is chosen e times more rarely."""
MATE_CP = 100_000
"""A mate at once, as in `pawn_core.tasks.analysis`: mate in n is worth n centipawns less."""


def value_of_centipawns(centipawns: ArrayLike) -> NDArray[np.float64]:
    """Return 2 / (1 + exp(-0.00368208 cp)) - 1; of a mate, +1 or -1 to the last bit."""
    return np.tanh(np.asarray(centipawns, np.float64) * (CENTIPAWN_SLOPE / 2))


def policy_of_centipawns(
    centipawns_m: ArrayLike, scale_cp: float = POLICY_SCALE_CP
) -> NDArray[np.float64]:
    """Return how good the moves of a position are, as shares: softmax(cp / scale)."""
    logits_m = np.asarray(centipawns_m, np.float64) / scale_cp
    weights_m = np.exp(logits_m - logits_m.max())
    return weights_m / weights_m.sum()


def centipawns_of_mate(moves: int) -> int:
    """Return what a mate in some moves is worth to whom it is given for; negative: it is mated."""
    return MATE_CP - moves if moves > 0 else -MATE_CP - moves


def for_side_to_move(white: float, fen: str) -> float:
    """Return White's value, result or centipawns as the side's to move."""
    return white if white_moves(fen) else -white


def white_moves(fen: str) -> bool:
    """Return whether White is to move, by what the FEN says and never by counting plies."""
    return fen.split(" ", 2)[1] == "w"

"""The probes: what each reads off the board, and how its reading is scored."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pawn_core.evaluation.probes import probed_positions as positions
from pawn_core.evaluation.probes.probed_positions import Positions

_SQUARES = tuple(f"{file}{rank}" for rank, file in product("12345678", "abcdefgh"))
_COLORS = ("white", "black")
_MEN = tuple(map("_".join, product(_COLORS, ("pawn", "knight", "bishop", "rook", "queen", "king"))))
_COUNTED = tuple(name for name in _MEN if not name.endswith("king"))


@dataclass(frozen=True)
class Probe:
    """A property of the board that a probe learns to read off a hidden state.

    - binary, multi-label: a logit for each output; accuracy over all outputs;
    - categorical: a softmax over the classes for each output (square); accuracy over all outputs;
    - regression: a number for each output; R2, mean absolute error, their means over outputs.
    """

    name: str
    kind: Literal["binary", "multi-label", "categorical", "regression"]
    target: Callable[[Positions], NDArray[np.int64]]
    """Positions to (n, outputs)."""
    outputs: tuple[str, ...]
    classes: tuple[str, ...] = ("no", "yes")
    """Of an output; a regression has none."""
    subsets: tuple[tuple[str, int], ...] = ()
    """Further accuracies, over outputs whose class is one of the first few: suffix, how many."""

    @property
    def width(self) -> int:
        """Numbers that the probe puts out for a position."""
        return len(self.outputs) * (len(self.classes) if self.kind == "categorical" else 1)


PROBES: tuple[Probe, ...] = (
    Probe(
        "piece_type",
        "categorical",
        positions.piece_type,
        outputs=_SQUARES,
        classes=(*_MEN, "empty"),
        subsets=(("_occupied", 12),),
    ),
    Probe("side_to_move", "binary", positions.side_to_move, outputs=("black",)),
    Probe("is_check", "binary", positions.is_check, outputs=("check",)),
    Probe(
        "castling_rights", "multi-label", positions.castling_rights, outputs=("K", "Q", "k", "q")
    ),
    Probe(
        "ep_square",
        "categorical",
        positions.en_passant_square,
        outputs=("square",),
        classes=(*_SQUARES, "none"),
    ),
    Probe("material", "regression", positions.material, outputs=_COUNTED, classes=()),
    Probe("legal_move_count", "regression", positions.legal_move_count, ("moves",), classes=()),
    Probe("halfmove_clock", "regression", positions.halfmove_clock, ("plies",), classes=()),
    Probe(
        "game_phase",
        "categorical",
        positions.game_phase,
        outputs=("phase",),
        classes=("opening", "middlegame", "endgame"),
    ),
)
"""Those of the model card of PAWN-Base (2026), with its names."""

"""The exact law of random play at a position, and how far it is what a model learned.

Never imports torch.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import chess_engine
import numpy as np
from chess_engine import STRATA

_MATE = 1 << STRATA.index("mate")


@dataclass(frozen=True)
class Law:
    """Random play as a run had it in its games."""

    mate_boost: float = 0.0
    caveat: str = ""
    """Why it is not exactly what the model learned; empty where it is."""

    @classmethod
    def of(cls, trained_by: Mapping[str, Any], *, prefixed: bool, of_positions: bool) -> "Law":
        """Return the law of the games that a model was trained on."""
        boost = float(trained_by.get("mate_boost") or 0.0)
        if of_positions:
            return cls(caveat="a yardstick: the model learned from labels of positions")
        if trained_by.get("pgn"):
            return cls(caveat="a yardstick: the model learned from real games")
        if not trained_by:
            return cls(caveat="a yardstick: no config beside the weights says what they learned")
        if trained_by.get("discard_ply_limit"):
            return cls(boost, "not exact: the model learned from games chosen by how they end")
        if prefixed:
            return cls(boost, "exact for the moves alone, not where an outcome is given")
        return cls(boost)

    def document(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {"mate_boost": self.mate_boost, "caveat": self.caveat}

    def probabilities(self, fen: str, ucis: list[str]) -> np.ndarray:
        """Return the probability (m,) of each legal move, float64.

        With N legal and M > 0 mating moves, boost / M + (1 - boost) / N for those that mate and
        (1 - boost) / N for the others; else 1 / N.
        """
        uniform_m = np.full(len(ucis), 1 / len(ucis))
        if not self.mate_boost:
            return uniform_m
        mates_m = chess_engine.step_environment([fen] * len(ucis), ucis).strata & _MATE != 0
        if not mates_m.any():
            return uniform_m
        return mates_m * (self.mate_boost / mates_m.sum()) + (1 - self.mate_boost) * uniform_m

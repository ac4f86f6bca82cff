"""How long many games were and how they ended, as counts that shards add to. Never imports torch.

Shapes: r rows (a way to play each), k categories.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from chess_engine import Vocabulary
from numpy.typing import NDArray

from pawn_core.evaluation.generated.sampled_games import ENDINGS

NO_OUTCOME = "none"


class GameCounts:
    """Games by length, ending and outcome, in rows."""

    def __init__(self, rows: int, max_ply: int, vocabulary: Vocabulary) -> None:
        # Random play can have the first five outcomes; the others are of real games.
        outcomes = tuple(vocabulary.outcomes)[:5]
        self._first_outcome = vocabulary.outcomes[outcomes[0]]
        self.outcome_names = (*outcomes, NO_OUTCOME)
        self.lengths_rk = np.zeros((rows, max_ply + 1), dtype=np.int64)
        """By plies, 0 .. max_ply."""
        self.endings_rk = np.zeros((rows, len(ENDINGS)), dtype=np.int64)
        """By `ENDINGS`."""
        self.outcomes_rk = np.zeros((rows, len(self.outcome_names)), dtype=np.int64)
        """By `outcome_names`."""

    def add(self, row: int, lengths_b: Any, endings_b: Any, outcomes_b: Any) -> None:
        """Add games to a row; -1 is no outcome."""
        none = len(self.outcome_names) - 1
        kinds_b = np.where(outcomes_b < 0, none, outcomes_b.astype(np.int64) - self._first_outcome)
        for counts_rk, values_b in (
            (self.lengths_rk, lengths_b),
            (self.endings_rk, endings_b),
            (self.outcomes_rk, kinds_b),
        ):
            counts_rk[row] += np.bincount(values_b, minlength=counts_rk.shape[1])

    def arrays(self) -> dict[str, NDArray[np.int64]]:
        """Return the counts by name, to be kept and filled in again."""
        return {
            "lengths": self.lengths_rk,
            "endings": self.endings_rk,
            "outcomes": self.outcomes_rk,
        }


def fill_in(arrays: Mapping[str, NDArray[np.int64]], values: Mapping[str, Any]) -> None:
    """Give arrays the values that were kept of them.

    Raises:
        ValueError: a value is missing or of another shape.
    """
    for name, array in arrays.items():
        if name not in values or tuple(values[name].shape) != array.shape:
            raise ValueError(f"counts {name!r} of shape {array.shape} are not there")
        array[:] = np.asarray(values[name])


def quantiles(counts_k: NDArray[np.int64], at: tuple[float, ...]) -> list[int]:
    """Return the values below which these shares of games lie, of counts by value."""
    cumulated_k = counts_k.cumsum()
    return [int(np.searchsorted(cumulated_k, share * cumulated_k[-1])) for share in at]

"""Average precision: how well scores rank what is rare, whatever their scale.

Shapes: m scored squares, r weighings.
"""

from typing import Self

import numpy as np
from numpy.typing import NDArray


class Ranking:
    """Scored squares from the highest score down; those of equal scores go together.

    Average precision is the sum over distinct scores of the precision of all squares at or above,
    times the share of the positives that have this score: the area under the precision-recall
    curve without interpolation. Of scores that say nothing it is the share of positives.
    """

    def __init__(
        self,
        positive_m: NDArray[np.bool_],
        owner_m: NDArray[np.int64],
        last_of_score_m: NDArray[np.bool_],
    ) -> None:
        self._positive_m, self._owner_m = positive_m, owner_m
        self._ends = np.flatnonzero(last_of_score_m)

    @classmethod
    def of(
        cls,
        scores_m: NDArray[np.float32],
        positive_m: NDArray[np.bool_],
        owner_m: NDArray[np.int64],
    ) -> Self:
        """Return the ranking of squares, each of which belongs to an owner, such as its game."""
        order = np.argsort(-scores_m, kind="stable")
        ranked = scores_m[order]
        last = np.append(ranked[1:] != ranked[:-1], True)[: len(ranked)]
        return cls(positive_m[order], owner_m[order], last)

    @property
    def positives(self) -> int:
        """Number of squares that are positive."""
        return int(self._positive_m.sum())

    @property
    def rate(self) -> float:
        """Their share; nan of no squares."""
        return self.positives / len(self._positive_m) if len(self._positive_m) else float("nan")

    def average_precision(self, weights_g: NDArray[np.float64] | None = None) -> float:
        """Return it, each square weighed by its owner's weight; nan where nothing is positive."""
        weight_m = np.ones(len(self._owner_m)) if weights_g is None else weights_g[self._owner_m]
        squares_k = weight_m.cumsum()[self._ends]
        positives_k = (weight_m * self._positive_m).cumsum()[self._ends]
        if not len(positives_k) or positives_k[-1] <= 0:
            return float("nan")
        gains_k = np.diff(positives_k, prepend=0.0)
        precision_k = positives_k / np.maximum(squares_k, np.finfo(np.float64).tiny)
        return float((gains_k * precision_k).sum() / positives_k[-1])

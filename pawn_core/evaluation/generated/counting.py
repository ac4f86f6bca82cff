"""Evaluations whose sums are counts in numpy arrays, kept in a checkpoint by name."""

from abc import abstractmethod

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pawn_core.evaluation.evaluation import Evaluation
from pawn_core.evaluation.generated.game_counts import fill_in


class Counting(Evaluation):
    """An evaluation that names its counts."""

    def state(self) -> dict[str, Tensor]:
        """Return the counts."""
        return {name: torch.from_numpy(counts.copy()) for name, counts in self._arrays().items()}

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Go on from counts."""
        fill_in(self._arrays(), tensors)

    @abstractmethod
    def _arrays(self) -> dict[str, NDArray[np.int64]]:
        """Return the counts by name, to be kept and filled in again."""

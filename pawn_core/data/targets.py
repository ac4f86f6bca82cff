"""What each supervised position should predict: one token, or a distribution over several.

Shapes: n supervised positions, e entries (position, token), grouped by rising position.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


@dataclass(frozen=True)
class Targets:
    """Sparse target distributions; each position's weights sum to 1."""

    positions_e: Tensor
    """int32, the entry's position, as a row of the supervised ones."""
    tokens_e: Tensor
    """int16 or int64, the entry's token."""
    weights_e: Tensor
    """float32, the entry's probability."""
    starts: NDArray[np.int64]
    """(n + 1,) first entry of each position, and the number of entries; stays on the CPU."""

    def to(self, device: torch.device) -> "Targets":
        """Return the entries on a GPU."""
        return Targets(
            to_device(self.positions_e, device),
            to_device(self.tokens_e, device),
            to_device(self.weights_e, device),
            self.starts,
        )


def to_device(tensor: Tensor, device: torch.device) -> Tensor:
    """Copy to a GPU from pinned memory, so that the copy overlaps with compute."""
    return tensor.pin_memory().to(device, non_blocking=True)


def one_token_each(tokens_n: Tensor) -> Targets:
    """Return a certain token for each position."""
    n = len(tokens_n)
    weights = torch.ones(n, device=tokens_n.device)
    positions = torch.arange(n, dtype=torch.int32, device=tokens_n.device)
    return Targets(positions, tokens_n, weights, np.arange(n + 1))

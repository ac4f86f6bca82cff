"""What a learner asks of a part of a step's examples, whatever they are."""

from collections.abc import Iterable
from typing import Any, Protocol

import torch
from torch import Tensor


class MicroBatch(Protocol):
    """Examples that are computed at once."""

    @property
    def units(self) -> int:
        """What losses are means over: supervised tokens of sequences, positions of boards."""
        ...

    @property
    def games(self) -> int:
        """How many games they are of; 0 where nobody asks."""
        ...

    def to(self, device: torch.device) -> Any:
        """Return the same on a device."""
        ...

    def tensors(self) -> Iterable[Tensor]:
        """Return every tensor of it."""
        ...

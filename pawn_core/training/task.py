"""What a run type supplies to the loop."""

from typing import Any, Protocol

from torch import Tensor, nn

from pawn_core.data.sequences import Batch


class Task(Protocol):
    """A model, its data, its loss and its evaluation."""

    model: nn.Module

    def make_batch(self, index: int) -> list[Batch]:
        """Return the micro-batches of step `index`, on the CPU; called from any thread."""
        ...

    def loss_sum(self, batch: Batch) -> Tensor:
        """Return the loss summed over a micro-batch's supervised positions."""
        ...

    def flops(self, batch: Batch) -> int:
        """Return the operations of a forward and backward pass; see `pawn_core.flops`."""
        ...

    def evaluate(self) -> dict[str, Any]:
        """Return the evaluation's metrics; `val_loss` among them.

        Raises:
            Interrupted: the run was asked to stop meanwhile (`StopFlag.check`).
        """
        ...

    def describe(self) -> dict[str, Any]:
        """Return facts for the config record, such as the parameter count."""
        ...

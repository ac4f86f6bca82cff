"""What a run type supplies to the loop, and what a model supplies to its learner."""

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, Protocol

from torch import Tensor, nn

from pawn_core.checkpoint.store import Checkpoint
from pawn_core.data.sequences import Batch
from pawn_core.training.outcome import Reason, Stop

if TYPE_CHECKING:
    from pawn_core.training.run import Run


class NonFiniteLossError(Exception):
    """The loss or its gradient was not finite."""

    def __init__(self, step: int, name: str = "") -> None:
        of = f" of {name}" if name else ""
        super().__init__(f"loss or gradient{of} not finite at step {step}")
        self.step = step


class Task(Protocol):
    """What a run does, one unit of progress after the other.

    It is built from a `Setup`. The first three methods are all that it must have: what it writes
    and evaluates, and why it stops before its length, is its own affair.
    """

    @abstractmethod
    def advance(self, run: "Run") -> None:
        """Do one unit of progress; the run counts it afterwards.

        Raises:
            Interrupted: the run was asked to stop meanwhile; nothing was done.
        """

    @abstractmethod
    def checkpoint(self, run: "Run") -> Checkpoint:
        """Return the state as of `run.step`; `run.shared_state()` is part of it.

        Its files are the run type's `checkpoint_files`.
        """

    @abstractmethod
    def restore(self, checkpoint: Checkpoint) -> None:
        """Go on from a checkpoint.

        Raises:
            ValueError: its tensors are not this task's.
        """

    def describe(self) -> dict[str, Any]:
        """Return facts for the config record, such as the parameter count."""
        return {}

    def begin(self, run: "Run", *, resumed: bool) -> None:
        """Say what is to be said once the stream has begun."""

    def log(self, run: "Run") -> None:
        """Write the records that are due at this step, evaluations aside.

        Raises:
            NonFiniteLossError: there is no going on.
        """

    def evaluate(self, run: "Run") -> None:
        """Write the evaluation that is due at this step, unless it has been made.

        Raises:
            Interrupted: the run was asked to stop meanwhile (`StopFlag.check`).
            NonFiniteLossError: there is no going on.
        """

    def evaluate_paused(self, run: "Run") -> None:
        """Evaluate a paused run, whose checkpoint is saved, unless it has been done."""

    def check(self) -> None:
        """Raise NonFiniteLossError where the state must not be saved."""

    def stop(self, run: "Run") -> Stop | None:
        """Return why to stop before the run's length; the leading process alone asks."""
        return None

    def decisions(self) -> list[int]:
        """Return what the leading process has decided for the others."""
        return []

    def follow(self, decisions: list[int]) -> None:
        """Take over the decisions of the leading process."""

    def last_metrics(self) -> dict[str, Any]:
        """Return the last evaluation; of several models by name."""
        return {}

    def exclude(self, seconds: float) -> None:
        """Leave a pause out of the speed that is logged."""

    def finish(self, run: "Run", reason: Reason) -> None:
        """Write what is to be known of the end; the leading process alone does."""

    def close(self) -> None:
        """Give up threads and files."""


class ModelTask(Protocol):
    """A model, its data, its loss and its evaluation."""

    @property
    def model(self) -> nn.Module:
        """What the learner's optimizer moves."""
        ...

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
        """Return the evaluation's metrics; the run type's metric of merit among them.

        Raises:
            Interrupted: the run was asked to stop meanwhile (`StopFlag.check`).
        """
        ...

    def describe(self) -> dict[str, Any]:
        """Return facts for the config record, such as the parameter count."""
        ...

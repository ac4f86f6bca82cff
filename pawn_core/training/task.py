"""What a run type supplies to the loop, and what a model supplies to its learner."""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from torch import Tensor, nn

from pawn_core.checkpoint.store import Checkpoint
from pawn_core.data.micro_batch import MicroBatch
from pawn_core.run_paths import MODEL
from pawn_core.training.outcome import Reason, Stop
from pawn_core.training.setup import Setup

if TYPE_CHECKING:
    from pawn_core.training.run import Run


B = TypeVar("B", bound=MicroBatch)


class NonFiniteLossError(Exception):
    """The loss or its gradient was not finite."""

    def __init__(self, step: int, name: str = "") -> None:
        of = f" of {name}" if name else ""
        super().__init__(f"loss or gradient{of} not finite at step {step}")
        self.step = step


class Task(Protocol):
    """What a run does, one unit of progress after the other.

    The abstract methods are all that it must have: what it writes and evaluates, and why it stops
    before its length, is its own affair.
    """

    @abstractmethod
    def __init__(self, setup: Setup) -> None:
        """Build it, before its first unit of progress."""

    @classmethod
    def fitted(cls, setup: Setup, say: Callable[[str], None]) -> Setup:
        """Return the setup with a config that fits what it is to work on, before it is written.

        `say` tells how far a long reading is.

        Raises:
            Interrupted: the run was asked to stop meanwhile.
        """
        return setup

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

    def evaluate_start(self, run: "Run") -> None:
        """Write an evaluation of what it starts from, before the first step.

        Raises:
            As `evaluate`.
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


class ModelTask(Protocol[B]):
    """A model, its data, its loss and its evaluation."""

    model: Any
    """What is trained: a module, each task's own kind."""
    has_fixed_steps: bool = False
    """Whether steps are to be recorded and repeated: they differ in tensors of fixed shapes alone
    (`pawn_core.training.graphed`), and neither `accepts` nor `after_update` does anything."""

    @abstractmethod
    def make_batch(self, index: int) -> list[B]:
        """Return the micro-batches of step `index`, on the CPU; called from any thread."""

    @abstractmethod
    def loss_sums(self, batch: B) -> dict[str, Tensor]:
        """Return sums over a micro-batch's units, float32, of which train records have the means;
        `loss` is what is minimised.
        """

    @abstractmethod
    def flops(self, batch: B) -> int:
        """Return the operations of a forward and backward pass; see `pawn_core.flops`."""

    @abstractmethod
    def evaluate(self) -> dict[str, Any]:
        """Return the evaluation's metrics; the run type's metric of merit among them.

        Raises:
            Interrupted: the run was asked to stop meanwhile (`StopFlag.check`).
        """

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """Return facts for the config record, such as the parameter count."""

    def parameters(self) -> dict[str, nn.Parameter]:
        """Return what the optimizer moves, by name."""
        return {name: p for name, p in self.model.named_parameters() if p.requires_grad}

    def products(self) -> list[nn.Linear]:
        """Return the modules that only multiply by their weight, which a 16-bit copy can do."""
        return []

    def lr_ratios(self) -> Mapping[str, float]:
        """Return what the learning rate of some parameters is multiplied with."""
        return {}

    def norms(self) -> dict[str, float]:
        """Return norms of weights for train records."""
        return {}

    def before_update(self, step: int) -> str:
        """Prepare for the update after `step`; say which parameters are others now, if any are."""
        return ""

    def after_update(self) -> None:
        """Follow an update that has moved the model."""
        return

    def train_fields(self, means: dict[str, float | None]) -> dict[str, float | None]:
        """Return what a train record says of a window's means and speeds (`StepStats.take`)."""
        return means

    def accepts(self, finite: Tensor) -> bool:
        """Tell whether to make an update whose loss and gradient are finite, or are not.

        By default it is made, and the run ends at the next look: the device is not waited for.
        """
        return True

    def tensors(self) -> dict[str, dict[str, Tensor]]:
        """Return what a checkpoint keeps of the model, by file."""
        return {MODEL: self.model.state_dict()}

    def documents(self) -> dict[str, dict[str, Any]]:
        """Return what a checkpoint says of the model, by file."""
        return {}

    def load(self, checkpoint: Checkpoint) -> None:
        """Go on from what a checkpoint keeps of the model.

        Raises:
            ValueError: its tensors are not this model's.
        """
        try:
            self.model.load_state_dict(checkpoint.model)
        except RuntimeError as error:
            raise ValueError(f"the checkpoint's weights are not this model's: {error}") from None

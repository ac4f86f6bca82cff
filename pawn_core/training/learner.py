"""One model in training, and the state of it that a checkpoint keeps."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from pawn_core.checkpoint.store import Checkpoint
from pawn_core.config import TrainingConfig
from pawn_core.data.micro_batch import MicroBatch
from pawn_core.metrics import finite
from pawn_core.runtime import Runtime
from pawn_core.training.optimizer import Optimizer
from pawn_core.training.patience import Patience
from pawn_core.training.schedules import Schedule, build_schedule
from pawn_core.training.stats import StepStats
from pawn_core.training.task import ModelTask, NonFiniteLossError
from pawn_core.training.update import Updater


@dataclass
class Learner:
    """A model with all that moves it: several share a run's batches, most runs have one."""

    name: str
    """Its name among several; the only one has none."""
    config: TrainingConfig
    task: ModelTask[Any]
    schedule: Schedule
    updater: Updater
    stats: StepStats
    patience: Patience
    step: int = 0
    """Steps done; most run types make one update in each."""
    stopped: bool = False
    """Whether it is out of patience while others go on."""
    changed: str = ""
    """Which parameters the last step began to train; mostly none."""
    last_eval: dict[str, Any] = field(default_factory=dict)
    last_eval_step: int | None = None

    @classmethod
    def build(
        cls, name: str, config: TrainingConfig, task: ModelTask[Any], runtime: Runtime
    ) -> "Learner":
        """Assemble a learner before its first step."""
        return cls(
            name=name,
            config=config,
            task=task,
            schedule=build_schedule(config),
            updater=Updater(task, config, runtime),
            stats=StepStats(runtime.device, runtime.peak_flops()),
            patience=Patience.of(config),
        )

    @property
    def optimizer(self) -> Optimizer:
        """What moves the model."""
        return self.updater.optimizer

    @property
    def label(self) -> dict[str, str]:
        """What tells its records from those of others."""
        return {"variant": self.name} if self.name else {}

    @property
    def on_cpu(self) -> bool:
        """Whether the model is on the CPU, where reading a number costs nothing."""
        return next(self.task.model.parameters()).device.type == "cpu"

    @property
    def lr(self) -> float:
        """Learning rate of the next update."""
        return self.lr_of(self.step + 1)

    def lr_of(self, update: int) -> float:
        """Learning rate of an update, counted from 1."""
        return self.config.lr * self.schedule(update - 1)

    def learn(self, updates: Iterable[Sequence[MicroBatch]], waited: float) -> None:
        """Do one step: an update of each list of micro-batches, all at the step's learning rate.

        `waited` is how long the step's data took to come, in seconds.
        """
        self.changed = self.task.before_update(self.step)
        if self.changed:
            self.updater.renew_optimizer()
        lr = self.lr
        self.step += 1
        for micro_batches in updates:
            update = self.updater.update(micro_batches, lr)
            if update.applied:
                self.stats.add(self.step, update.sums, update.grad_norm, update.finite)
                self.stats.count(update.units, update.games, update.flops)
        self.stats.end_step(waited)

    def check_finite(self) -> None:
        """Wait for the device and raise NonFiniteLossError for the first step that was not."""
        step = self.stats.first_bad_step()
        if step is not None:
            raise NonFiniteLossError(step, self.name)

    @property
    def is_out_of_patience(self) -> bool:
        """Whether too many evaluations have improved on nothing."""
        limit = self.config.patience
        return limit is not None and self.patience.without_improvement >= limit

    @property
    def why_out_of_patience(self) -> str:
        """What has not improved, and since when."""
        reason = self.patience.describe()
        return f"{self.name}: {reason}" if self.name else reason

    def evaluated(self, metrics: dict[str, Any]) -> None:
        """Remember an evaluation of the present weights."""
        self.last_eval, self.last_eval_step = finite(metrics), self.step

    def state_dict(self) -> dict[str, Any]:
        """Return everything but the tensors."""
        scaler = self.updater.scaler
        return {
            "step": self.step,
            "schedule": {"name": self.config.lr_schedule, "next_lr": self.lr},
            "scaler": scaler.state_dict() if scaler else None,
            "patience": self.patience.state_dict(),
            "stopped": self.stopped,
            "last_eval": self.last_eval,
            "last_eval_step": self.last_eval_step,
            "window": self.stats.state_dict(),
        }

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go on from a checkpoint.

        Raises:
            ValueError: its tensors are not this model's.
        """
        state = checkpoint.training_state
        self.task.load(checkpoint)
        self.updater.renew_optimizer()
        self.optimizer.load_state_dict(checkpoint.optimizer)
        self.step = checkpoint.step
        self.stopped = bool(self.name) and state["stopped"]  # one that goes on alone may learn
        self.patience.load_state_dict(state["patience"])
        self.last_eval, self.last_eval_step = state["last_eval"], state["last_eval_step"]
        self.stats.load_state_dict(state["window"])
        if self.updater.scaler is not None and state["scaler"]:
            self.updater.scaler.load_state_dict(state["scaler"])

"""A run in progress: its parts, and the state that a checkpoint keeps."""

import logging
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pawn_core.checkpoint.rng import capture_rng, restore_rng
from pawn_core.checkpoint.store import Checkpoint
from pawn_core.config import RunConfig
from pawn_core.data.sequences import Batch
from pawn_core.data.stream import Stream
from pawn_core.metrics import Mark, MetricsWriter, finite
from pawn_core.signals import StopFlag
from pawn_core.sinks.process import SinkProcess
from pawn_core.training.console import describe_record
from pawn_core.training.optimizer import Optimizer
from pawn_core.training.outcome import Outcome, Reason
from pawn_core.training.patience import Patience
from pawn_core.training.schedules import Schedule
from pawn_core.training.stats import StepStats
from pawn_core.training.task import Task
from pawn_core.training.update import Updater

_LOG = logging.getLogger("pawn_core")
_SINK_FINISH_S, _SINK_HURRY_S = 60.0, 5.0


class NonFiniteLossError(Exception):
    """The loss or its gradient was not finite."""

    def __init__(self, step: int) -> None:
        super().__init__(f"loss or gradient not finite at step {step}")
        self.step = step


@dataclass
class Run:
    """Everything that the loop and its observers share."""

    config: RunConfig
    run_dir: Path
    task: Task
    optimizer: Optimizer
    schedule: Schedule
    updater: Updater
    stream: Stream[list[Batch]]
    metrics: MetricsWriter
    stats: StepStats
    stop: StopFlag
    patience: Patience
    step: int = 0
    """Steps done."""
    last_eval: dict[str, Any] = field(default_factory=dict)
    last_eval_step: int | None = None
    last_checkpoint: Path | None = None
    continues_stream: bool = False
    """Whether the run was resumed in its own folder."""
    sinks: list[SinkProcess] = field(default_factory=list)

    @property
    def checkpoints_dir(self) -> Path:
        """Where checkpoints go."""
        return self.run_dir / "checkpoints"

    @property
    def on_cpu(self) -> bool:
        """Whether the model is on the CPU, where reading a number costs nothing."""
        return next(self.task.model.parameters()).device.type == "cpu"

    def is_due(self, interval: int | None) -> bool:
        """Whether something with this interval falls on the present step; all do on the last."""
        at_end = self.step == self.config.total_steps
        return at_end or (interval is not None and self.step % interval == 0)

    @property
    def lr(self) -> float:
        """Learning rate of the next step."""
        return self.lr_of(self.step + 1)

    def lr_of(self, update: int) -> float:
        """Learning rate of an update, counted from 1."""
        return self.config.lr * self.schedule(update - 1)

    def advance(self) -> None:
        """Do one step."""
        asked = time.perf_counter()
        micro_batches = next(self.stream)
        waited = time.perf_counter() - asked
        update = self.updater.update(micro_batches, self.lr)
        self.step += 1
        self.stats.add(self.step, update.loss_sum, update.grad_norm, update.finite)
        self.stats.count(update.tokens, update.games, update.flops, waited)

    def check_finite(self) -> None:
        """Wait for the device and raise NonFiniteLossError for the first step that was not."""
        step = self.stats.first_bad_step()
        if step is not None:
            raise NonFiniteLossError(step)

    def record(self, kind: str, fields: dict[str, Any]) -> None:
        """Write a metrics record of this step, and a line of it to the log."""
        self._write(kind, fields)
        for sink in self.sinks:
            self._report_sink(sink, sink.write(kind, self.step, finite(fields)))

    def event(self, name: str, message: str, **details: Any) -> None:
        """Write an event record."""
        self.record("event", {"event": name, "message": message, **details})

    def close_sinks(self) -> None:
        """Let the sinks finish; briefly where a signal asks for a quick end."""
        timeout_s = _SINK_HURRY_S if self.stop.signal else _SINK_FINISH_S
        for sink in self.sinks:
            self._report_sink(sink, sink.close(timeout_s))

    def _report_sink(self, sink: SinkProcess, failure: str | None) -> None:
        if failure:
            message = f"{sink.name} gets no more metrics: {failure}"
            self._write("event", {"event": "sink_failed", "message": message})

    def _write(self, kind: str, fields: dict[str, Any]) -> None:
        self.metrics.write(kind, self.step, fields)
        _LOG.info("%s", describe_record(kind, self.step, fields))

    def outcome(self, reason: Reason, message: str) -> Outcome:
        """Return how the run ends here."""
        checkpoint = self.last_checkpoint.name if self.last_checkpoint else None
        return Outcome(reason, self.step, message, checkpoint, self.last_eval)

    @contextmanager
    def pause_clock(self) -> Generator[None]:
        """Leave what happens inside out of the training speed."""
        begin = time.perf_counter()
        try:
            yield
        finally:
            self.stats.exclude(time.perf_counter() - begin)

    def checkpoint(self) -> Checkpoint:
        """Return the run's state as of this step."""
        return Checkpoint(
            step=self.step,
            model=self.task.model.state_dict(),
            optimizer=self.optimizer.state_dict(),
            training_state=self._training_state(),
            config=self.config.model_dump(mode="json"),
        )

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go on from a checkpoint.

        Raises:
            ValueError: its tensors are not this model's.
        """
        state = checkpoint.training_state
        _load_model(self.task, checkpoint)
        self.optimizer.load_state_dict(checkpoint.optimizer)
        self.step = checkpoint.step
        self.patience.load_state_dict(state["patience"])
        self.last_eval, self.last_eval_step = state["last_eval"], state["last_eval_step"]
        self.stats.load_state_dict(state["window"])
        if self.updater.scaler is not None and state["scaler"]:
            self.updater.scaler.load_state_dict(state["scaler"])
        restore_rng(state["rng"])

    def _training_state(self) -> dict[str, Any]:
        scaler = self.updater.scaler
        return {
            "step": self.step,
            "schedule": {"name": self.config.lr_schedule, "next_lr": self.lr},
            "scaler": scaler.state_dict() if scaler else None,
            "rng": capture_rng(),
            "data": {"next_game": self.stream.cursor * self.config.batch_size},
            "patience": self.patience.state_dict(),
            "last_eval": self.last_eval,
            "last_eval_step": self.last_eval_step,
            "window": self.stats.state_dict(),
            "metrics": self.metrics.mark()._asdict(),
        }


def metrics_mark(checkpoint: Checkpoint) -> Mark:
    """Return where the metrics stream stood when the checkpoint was taken."""
    return Mark(**checkpoint.training_state["metrics"])


def _load_model(task: Task, checkpoint: Checkpoint) -> None:
    try:
        task.model.load_state_dict(checkpoint.model)
    except RuntimeError as error:
        raise ValueError(f"the checkpoint's weights are not this model's: {error}") from None

"""The task of every run that trains models: learners that share a stream of batches."""

import math
import time
from collections.abc import Callable
from contextlib import suppress
from pkgutil import resolve_name
from typing import Any, ClassVar

from pawn_core.checkpoint.store import Checkpoint
from pawn_core.config import TrainingConfig, run_type_named
from pawn_core.data.device_copies import stream_batches
from pawn_core.data.stream import Stream
from pawn_core.run_paths import OPTIMIZER
from pawn_core.runtime import best_precision
from pawn_core.signals import Interrupted
from pawn_core.training import health
from pawn_core.training.learner import Learner
from pawn_core.training.outcome import Reason, Stop
from pawn_core.training.resume import next_batch
from pawn_core.training.run import Run
from pawn_core.training.setup import Setup
from pawn_core.training.task import ModelTask, NonFiniteLossError, Task


class Learning(Task):
    """Learners that do a step together; several have names, and a checkpoint each."""

    model_task: ClassVar[Callable[[Any, Setup], ModelTask[Any]]]
    """Built from a learner's config and what the run starts from."""

    def __init__(self, setup: Setup) -> None:
        config = setup.config
        assert isinstance(config, TrainingConfig)
        self._config, self._runtime = config, setup.runtime
        self.learners = [
            build_learner(name, member, setup) for name, member in config.members().items()
        ]
        state = setup.checkpoint.training_state if setup.checkpoint else None
        cursor = next_batch(state, config.batch_size) if state else 0
        self.stream: Stream[Any] = self.stream_from(cursor)

    def stream_from(self, cursor: int) -> Stream[Any]:
        """Return what is prepared ahead for the steps from a cursor on: their batches."""
        make, workers = self.learners[0].task.make_batch, self._config.num_workers
        return stream_batches(make, cursor, workers, self._runtime.device)

    @property
    def active(self) -> list[Learner]:
        """Return the learners that still learn."""
        return [learner for learner in self.learners if not learner.stopped]

    @property
    def has_variants(self) -> bool:
        """Whether the learners have names: records and checkpoints are then by name."""
        return bool(self.learners[0].name)

    def describe(self) -> dict[str, Any]:
        """Return how it computes, and each learner's facts, by name where there are several."""
        facts = {learner.name: learner.task.describe() for learner in self.learners}
        computing = self._runtime.describe()
        if self._runtime.graphs and (why := self._why_not_repeated()):
            computing["graphs"] = f"false: {why}"
        return computing | ({"variants": facts} if self.has_variants else facts[""])

    def _why_not_repeated(self) -> str:
        if not all(learner.task.has_fixed_steps for learner in self.learners):
            return "batches of this batching have no fixed shapes"
        return "; ".join(filter(None, (learner.updater.refusal for learner in self.learners)))

    def begin(self, run: Run, *, resumed: bool) -> None:
        """Say where it computes in another way than is usual: attention, a resumed run's precision.

        Float32 has fewer ways of attention, which is no news.
        """
        refused, attention = self._runtime.attention_refused, self._runtime.attention
        if refused and self._runtime.amp_dtype:
            why = "; ".join(f"{name}: {reason}" for name, reason in refused.items())
            run.event("attention", f"attends by '{attention}', for want of {why}")
        usual, precision = best_precision(self._runtime.device), self._runtime.precision
        if resumed and self._config.amp_dtype == "auto" and usual != precision:
            message = f"goes on in amp_dtype '{precision}'; a new run here would take '{usual}'"
            run.event("precision", message, amp_dtype=precision)

    def advance(self, run: Run) -> None:
        """Do one step: every active learner learns from the same batch."""
        run.phases.begin("first batch")
        begin = time.perf_counter()
        micro_batches = next(self.stream)
        waited = time.perf_counter() - begin
        run.phases.begin("compile" if self._runtime.compiled else "first step")
        for learner in self.active:
            learner.learn([micro_batches], waited)
            if learner.changed:
                run.event("phase", learner.changed, **learner.label)
            if why := learner.updater.new_refusal():
                run.event("cuda_graphs", f"steps are not repeated: {why}", **learner.label)
        run.phases.begin("first steps")

    def log(self, run: Run) -> None:
        """Write a train record of each learner every log_interval steps.

        A non-finite loss is raised on a CPU at once, on a GPU without waiting at every step.
        """
        due = run.step % self._config.log_interval == 0
        for learner in self.active if due else ():
            lr = learner.lr_of(learner.step)
            measured = learner.task.train_fields(learner.stats.take()) | learner.task.norms()
            run.record("train", {**learner.label, "lr": lr, **measured})
        if due or self.learners[0].on_cpu:
            self.check()

    def evaluate(self, run: Run) -> None:
        """Evaluate every eval_interval steps and at the end; it counts for patience."""
        if run.leads and run.is_due(self._config.eval_interval):
            self.evaluate_active(run)

    def evaluate_active(self, run: Run) -> None:
        """Evaluate what learns and has no evaluation of this step."""
        for learner in self.active:
            if learner.last_eval_step != run.step:
                _evaluate(run, learner)
                learner.patience.observe(learner.last_eval, run.step)

    def evaluate_paused(self, run: Run) -> None:
        """Evaluate learners that have no evaluation of this step; it leaves patience alone."""
        with suppress(Interrupted):
            for learner in self.active:
                if learner.last_eval_step != run.step:
                    _evaluate(run, learner)

    def check(self) -> None:
        """Wait for the device and raise NonFiniteLossError for the first step that was not."""
        for learner in self.active:
            learner.check_finite()

    def stop(self, run: Run) -> Stop | None:
        """Let learners that are out of patience stop, and the run with the last of them."""
        out = [learner for learner in self.active if learner.is_out_of_patience]
        if len(out) == len(self.active):
            reasons = (learner.why_out_of_patience for learner in out or self.learners)
            return Stop("patience", "; ".join(reasons))
        for learner in out:
            learner.stopped = True
            message = learner.why_out_of_patience
            run.event("variant_stop", message, **learner.label, reason="patience")
        return None

    def decisions(self) -> list[int]:
        """Return which learners have stopped."""
        return [int(learner.stopped) for learner in self.learners]

    def follow(self, decisions: list[int]) -> None:
        """Let the learners stop that have in the leading process."""
        for learner, stopped in zip(self.learners, decisions, strict=True):
            learner.stopped = bool(stopped)

    def last_metrics(self) -> dict[str, Any]:
        """Return the last evaluation; of several learners by name."""
        metrics = {learner.name: learner.last_eval for learner in self.learners}
        return metrics if self.has_variants else metrics[""]

    def exclude(self, seconds: float) -> None:
        """Leave a pause out of the training speed."""
        for learner in self.learners:
            learner.stats.exclude(seconds)

    def checkpoint(self, run: Run) -> Checkpoint:
        """Return the state as of this step; with variants, a checkpoint of each inside."""
        shared = run.shared_state() | {
            "data": {"next_game": self.stream.cursor * self._config.batch_size},
            "amp_dtype": self._runtime.precision,
        }
        members = {learner.name: _checkpoint_of(learner, shared) for learner in self.learners}
        if not self.has_variants:
            return members[""]
        config = self._config.model_dump(mode="json")
        return Checkpoint(run.step, {}, {"step": run.step, **shared}, config, members)

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go on from a checkpoint.

        Raises:
            ValueError: its tensors are not these models'.
        """
        for learner in self.learners:
            learner.restore(checkpoint.members[learner.name] if learner.name else checkpoint)

    def finish(self, run: Run, reason: Reason) -> None:
        """Write how far the learners got along their schedules."""
        health.write(run.paths, self.learners, reason)

    def close(self) -> None:
        """Stop preparing batches."""
        self.stream.close()


def build_learner(name: str, config: TrainingConfig, setup: Setup) -> Learner:
    """Build the model of a config, with its task, before its first step."""
    learning = resolve_name(run_type_named(config.run_type).task)
    return Learner.build(name, config, learning.model_task(config, setup), setup.runtime)


def _evaluate(run: Run, learner: Learner) -> None:
    """Write an eval record of a learner's present weights."""
    learner.check_finite()
    run.phases.begin("first evaluation")
    with run.pause_clock():
        metrics = learner.task.evaluate()
    run.record("eval", {**learner.label, **metrics})
    if not math.isfinite(metrics[learner.config.merit.metric]):
        raise NonFiniteLossError(run.step, learner.name)
    learner.evaluated(metrics)


def _checkpoint_of(learner: Learner, shared: dict[str, Any]) -> Checkpoint:
    """Return a learner's state as that of a run of its own."""
    return Checkpoint(
        step=learner.step,
        tensors=learner.task.tensors() | {OPTIMIZER: learner.optimizer.state_dict()},
        training_state=learner.state_dict() | shared,
        config=learner.config.model_dump(mode="json"),
        documents=learner.task.documents(),
    )

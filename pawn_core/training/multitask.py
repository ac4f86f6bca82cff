"""Multitask pretraining on positions: the `multitask` run type.

Shapes: n positions, c channels, 8 x 8 squares.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint as recomputed

from pawn_core.checkpoint.store import Checkpoint
from pawn_core.config import ConfigError, MultitaskConfig
from pawn_core.config.position_tasks import position_task
from pawn_core.flops import BACKWARD_AND_FORWARD
from pawn_core.model.recompute import recompute_layers
from pawn_core.multitask import evaluate, policy_losses, task_losses, value_losses
from pawn_core.position_model import (
    Heads,
    LoadedPositionModel,
    PositionModel,
    PositionModelSpec,
    forward_operations,
    new_position_model,
    start_from,
)
from pawn_core.positions import PositionBatch
from pawn_core.positions.batches import PIECE, POLICY, POSITIONS, VALUE
from pawn_core.run_paths import AVERAGE, MODEL, POSITION_MODEL
from pawn_core.training.averaging import Average
from pawn_core.training.learning import Learning
from pawn_core.training.run import Run
from pawn_core.training.run_positions import RunPositions
from pawn_core.training.setup import Setup
from pawn_core.training.task import ModelTask

_ASKED = "/asked"
"""Ends the name of the sum that counts the positions of the steps in which a loss had a label."""


class MultitaskTask(ModelTask[PositionBatch]):
    """Policy, value, and what the squares of a board say of themselves."""

    model: PositionModel

    def __init__(self, config: MultitaskConfig, setup: Setup) -> None:
        self._config, self._runtime, self._check = config, setup.runtime, setup.stop.check
        self.positions = RunPositions(config, setup)
        self._start = _start(config, setup)
        self.model = self._start.model if self._start else _new(config, setup)
        self._spec = self.model.spec
        self._average = Average(self.model, config.ema_decay) if config.ema_decay else None
        if config.gradient_checkpointing:
            recompute_layers(self.model)
        self._squares = setup.runtime.compile(self.model.squares)
        self._step = 0
        """Steps before the one that is being done."""

    def make_batch(self, index: int) -> list[PositionBatch]:
        """Return this process's share of samples `index * batch_size ..` as micro-batches."""
        return self.positions.step(index)

    def before_update(self, step: int) -> str:
        """Note which step comes: the tasks' weight depends on it."""
        self._step = step
        return ""

    def after_update(self) -> None:
        """Let the average follow."""
        if self._average:
            self._average.update(self.model)

    @property
    def task_weights(self) -> dict[str, float]:
        """The tasks that this step learns, each with its weight, `ssl_weight` aside."""
        learned = self._step % self._config.ssl_every_n == 0
        return self._config.task_weights if learned else {}

    @property
    def ssl_weight(self) -> float:
        """The weight of all tasks together in this step: it rises over the first ones."""
        warmup = self._config.ssl_warmup_steps
        ramp = min(1.0, (self._step + 1) / warmup) if warmup else 1.0
        return self._config.ssl_weight * ramp

    def loss_sums(self, batch: PositionBatch) -> dict[str, Tensor]:
        """Return a micro-batch's share of each loss, times the positions of its step.

        The mean of a loss is over those of the step's positions that have a label: neither the
        number of micro-batches nor that of processes changes it. `ssl_loss` is the sum of the
        tasks' losses by their weights; `<loss>/asked` counts positions of steps with any label.
        """
        config, weights = self._config, self.task_weights
        x_nc88 = self._squares(batch.planes, batch.piece_mask if weights else None)
        policy = policy_losses(self.model.policy(x_nc88), batch, config.label_smoothing)
        value_n, wdl_n3 = self.model.value(x_nc88)
        kind, delta = config.value_loss, config.huber_delta
        value = value_losses(value_n, wdl_n3, batch.value_n, kind, delta)
        sums = _share("policy_loss", policy.loss_n.sum(), batch, batch.counts[POLICY])
        sums |= _share("value_loss", value.loss_n.sum(), batch, batch.counts[VALUE])
        sums |= self._task_sums(x_nc88, batch, weights)
        loss = config.policy_weight * sums["policy_loss"] + config.value_weight * sums["value_loss"]
        return {"loss": loss + self.ssl_weight * sums["ssl_loss"], **sums}

    def flops(self, batch: PositionBatch) -> int:
        """Return the operations of a forward and backward pass."""
        a_position = forward_operations(self._spec, self.task_weights)
        return BACKWARD_AND_FORWARD * a_position * batch.units

    def evaluate(self) -> dict[str, Any]:
        """Measure the average, or the model itself where there is none; of raw weights the loss."""
        if self._average is None:
            return self._measured(self.model)
        metrics = self._measured(self._average.model)
        raw = self._measured(self.model, with_tasks=False)
        return metrics | {"raw_val_loss": raw["val_loss"]}

    def train_fields(self, means: dict[str, float | None]) -> dict[str, float | None]:
        """Return means over the steps that had a label of each loss; None where none had."""
        asked = {name: means[name] for name in means if name.endswith(_ASKED)}
        fields = {n: v for n, v in means.items() if n not in asked and n != "games_per_s"}
        for name, share in asked.items():
            loss = name.removesuffix(_ASKED)
            total = fields[loss]
            fields[loss] = total / share if share and total is not None else None
        fields["positions_per_s"] = fields.pop("tokens_per_s")
        return fields

    def describe(self) -> dict[str, Any]:
        """Return the model's size, what it began from, and what it learns from."""
        start = self._start
        return {
            "parameters": sum(p.numel() for p in self.model.parameters()),
            "tasks": list(self._spec.tasks),
            "origin": asdict(start.origin) if start else None,
            "new_heads": list(start.new_heads) if start else [],
            "dropped_heads": list(start.dropped_heads) if start else [],
            **self.positions.describe(),
        }

    def tensors(self) -> dict[str, dict[str, Tensor]]:
        """Return the raw weights and, beside them, their average."""
        raw = {MODEL: self.model.state_dict()}
        return raw | ({AVERAGE: self._average.state_dict()} if self._average else {})

    def documents(self) -> dict[str, dict[str, Any]]:
        """Return what the weights need to be read as a model of positions."""
        return {POSITION_MODEL: self._spec.document()}

    def load(self, checkpoint: Checkpoint) -> None:
        """Go on from the weights and the average of a checkpoint.

        Raises:
            ValueError: they are of another model.
        """
        super().load(checkpoint)
        if self._average:
            self._average.load_state_dict(checkpoint.tensors.get(AVERAGE, {}))

    def _task_sums(
        self, x_nc88: Tensor, batch: PositionBatch, weights: Mapping[str, float]
    ) -> dict[str, Tensor]:
        """Return the tasks' losses and `ssl_loss`; zeros in a step that learns none."""
        tasks, total = tuple(self._config.task_weights), x_nc88.new_zeros((), dtype=torch.float32)
        losses = self._by_chunks(x_nc88, batch, tasks) if weights else [total] * len(tasks)
        sums: dict[str, Tensor] = {}
        for task, loss in zip(tasks, losses, strict=True):
            label = PIECE if position_task(task).of_hidden else POSITIONS
            sums |= _share(f"{task}_loss", loss, batch, batch.counts[label] if weights else 0)
            total = total + weights.get(task, 0.0) * sums[f"{task}_loss"]
        return sums | _share("ssl_loss", total, batch, batch.counts[POSITIONS] if weights else 0)

    def _by_chunks(
        self, x_nc88: Tensor, batch: PositionBatch, tasks: Sequence[str]
    ) -> list[Tensor]:
        """Return the sum of each task's losses; chunk by chunk where the config has a size.

        The backward pass computes a chunk's heads again, so that only one's are held at once.
        """
        size = self._config.ssl_chunk_size
        if not size:
            return list(self._sums_of(slice(None), x_nc88, batch, tasks))
        parts = [
            recomputed(
                self._sums_of,
                slice(begin, begin + size),
                x_nc88,
                batch,
                tasks,
                use_reentrant=False,
                preserve_rng_state=False,
            )
            for begin in range(0, len(x_nc88), size)
        ]
        return list(torch.stack(parts).sum(dim=0))

    def _sums_of(
        self, rows: slice, x_nc88: Tensor, batch: PositionBatch, tasks: Sequence[str]
    ) -> Tensor:
        logits = self.model.task_logits(x_nc88[rows], tasks)
        hidden = batch.piece_mask[rows]
        losses = (task_losses(t, logits[t], batch.targets[t][rows], hidden) for t in tasks)
        return torch.stack([one.loss_n.sum() for one in losses])

    def _measured(self, model: PositionModel, *, with_tasks: bool = True) -> dict[str, Any]:
        device, sources = self._runtime.device, self.positions.library.sources
        batches = (batch.to(device) for batch in self.positions.held_out())
        with self._runtime.autocast():
            tally = evaluate(model, batches, sources, self._check, with_tasks=with_tasks)
            return tally.metrics()


class Multitasking(Learning):
    """A model that learns from positions."""

    model_task = MultitaskTask

    @property
    def task(self) -> MultitaskTask:
        """The only model's."""
        [learner] = self.learners
        assert isinstance(learner.task, MultitaskTask)
        return learner.task

    def begin(self, run: Run, *, resumed: bool) -> None:
        """Say what of the positions is left out, and where its share goes; a stream has it once."""
        super().begin(run, resumed=resumed)
        for notice in () if run.continues_stream else self.task.positions.notices:
            run.event("positions", notice)

    def checkpoint(self, run: Run) -> Checkpoint:
        """Return the state as of this step, with the stages of the curriculum."""
        checkpoint = super().checkpoint(run)
        checkpoint.training_state["data"] |= self.task.positions.state()
        return checkpoint


def _start(config: MultitaskConfig, setup: Setup) -> LoadedPositionModel | None:
    """Return the model of the weights to start from; None where there are none, or no more."""
    if config.checkpoint is None or setup.checkpoint is not None:
        return None
    rank = config.policy_rank if "policy" in config.new_heads else None
    return start_from(
        config.checkpoint,
        setup.run_dir,
        Heads(config.value_head, tuple(config.task_weights), rank),
        new_heads=config.new_heads,
        seed=config.seed,
        device=setup.runtime.device,
    )


def _new(config: MultitaskConfig, setup: Setup) -> PositionModel:
    """Return a new model; of a resumed run one of the form from before.

    Raises:
        ConfigError: the checkpoint's heads are not those of the tasks that are learned.
    """
    spec = PositionModelSpec(
        config.architecture,
        config.trunk,
        config.attention_every,
        config.attention_mask_share,
        config.policy_rank or 0,
        config.value_head,
        tuple(config.task_weights),
    )
    if setup.checkpoint is not None and setup.resumed_from is not None:
        document = setup.checkpoint.documents.get(POSITION_MODEL, {})
        saved = PositionModelSpec.read(document, setup.resumed_from)
        _check_heads(saved.tasks, spec.tasks)
        spec = saved
    return new_position_model(spec, config.seed, setup.runtime.device)


def _check_heads(saved: Sequence[str], learned: Sequence[str]) -> None:
    for task in sorted({*saved} ^ {*learned}):
        raise ConfigError(
            f"ssl_{task}_weight {'0' if task in saved else 'above 0'} is not allowed: the "
            f"checkpoint has {'a' if task in saved else 'no'} head '{task}', and a resumed run "
            "keeps its heads; another run can start from it by checkpoint and new_heads"
        )


def _share(name: str, loss: Tensor, batch: PositionBatch, labelled: int) -> dict[str, Tensor]:
    """Return a part of a step's mean loss times the step's positions, and for how many it counts.

    Args:
        labelled: those of the step's positions that have a label.
    """
    scale = batch.counts[POSITIONS] / labelled if labelled else 0.0
    asked = loss.new_full((), batch.units if labelled else 0)
    return {name: loss * scale, f"{name}{_ASKED}": asked}

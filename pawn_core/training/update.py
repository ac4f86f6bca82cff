"""One optimizer step: micro-batches, scaling, clipping, update."""

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor
from torch.nn.utils import clip_grads_with_norm_, get_total_norm

from pawn_core.config import TrainingConfig
from pawn_core.data.micro_batch import MicroBatch
from pawn_core.runtime import Runtime
from pawn_core.training.graphed import Graphed, Moved
from pawn_core.training.optimizer import Optimizer, build_optimizer
from pawn_core.training.rules import Number
from pawn_core.training.task import ModelTask
from pawn_core.training.weight_copies import WeightCopies


class Update(NamedTuple):
    """What one step did; tensors stay on the device."""

    sums: dict[str, Tensor]
    """What the task sums over the step's units, `loss` among them."""
    grad_norm: Tensor
    finite: Tensor
    units: int
    games: int
    flops: int
    applied: bool = True
    """Whether the model was moved; the task may refuse what is not finite."""

    @property
    def loss_sum(self) -> Tensor:
        """The loss, summed over the step's units."""
        return self.sums["loss"]


class Updater:
    """Apply the gradient of the mean loss over all units of a step: supervised tokens, positions.

    The mean is over those of all micro-batches of all processes together, so that neither
    accumulation nor the number of GPUs changes what is learned.
    """

    def __init__(self, task: ModelTask[Any], config: TrainingConfig, runtime: Runtime) -> None:
        self._task, self._config, self._runtime = task, config, runtime
        self.optimizer = self._new_optimizer()
        self.scaler = runtime.grad_scaler()
        self._copies = self._new_copies()
        self.graphed = self._new_graphed()
        self.refusal = ""
        """Why steps are no longer recorded and repeated."""

    def renew_optimizer(self) -> None:
        """Take what the task wants moved by now; parameters that stay keep their state."""
        before, self.optimizer = self.optimizer, self._new_optimizer()
        self.optimizer.take_over(before)
        self.graphed = self._new_graphed()

    def new_refusal(self) -> str:
        """Return why steps are not recorded and repeated, once after it has become known."""
        if self.graphed is None or not self.graphed.refusal:
            return ""
        self.refusal, self.graphed = self.graphed.refusal, None
        return self.refusal

    def _new_copies(self) -> WeightCopies | None:
        dtype, modules = self._runtime.amp_dtype, self._task.products()
        if dtype is None or not modules or not self._runtime.weights_copy:
            return None
        return WeightCopies(modules, dtype)

    def _new_graphed(self) -> Graphed | None:
        if not self._task.has_fixed_steps:
            return None
        moved = self.optimizer.parameters, [*self.optimizer.state_dict().values()]
        return Graphed(self._move, *moved, self._runtime.device)

    def _new_optimizer(self) -> Optimizer:
        task = self._task
        return build_optimizer(task.parameters(), self._config, self._runtime, task.lr_ratios())

    def update(self, micro_batches: Sequence[MicroBatch], lr: float) -> Update:
        """Do one step at this learning rate."""
        units, games, flops = self._count(micro_batches)
        if self._copies is not None:
            self._copies.refresh()
        move = self.graphed or self._move
        sums, grad_norm, finite, applied = move(micro_batches, lr, units)
        return Update(sums, grad_norm, finite, units, games, flops, applied)

    def _move(self, micro_batches: Sequence[MicroBatch], lr: Number, units: Number) -> Moved:
        """Move the model; nothing is read from the device unless the task or float16 asks."""
        parts = [self._backward(batch, units) for batch in micro_batches]
        sums = {name: torch.stack([part[name] for part in parts]).sum() for name in parts[0]}
        self._runtime.processes.sum_tensors([*sums.values(), *self._gradients()])
        grad_norm = self._clip()
        finite = sums["loss"].isfinite()
        if self.scaler is None:
            finite = finite & grad_norm.isfinite()
        applied = self._task.accepts(finite)
        if applied:
            self._step(lr)
            if self._has_moved(grad_norm):
                self._task.after_update()
        if self.scaler is not None:
            self.scaler.update()
        self.optimizer.zero_grad()
        return Moved(sums, grad_norm, finite, applied)

    def _count(self, micro_batches: Sequence[MicroBatch]) -> list[int]:
        """Return the units, games and FLOPs of the step, over all processes."""
        return self._runtime.processes.sum_numbers(
            sum(batch.units for batch in micro_batches),
            sum(batch.games for batch in micro_batches),
            sum(self._task.flops(batch) for batch in micro_batches),
        )

    def _gradients(self) -> list[Tensor]:
        return [p.grad for p in self.optimizer.parameters if p.grad is not None]

    def _backward(self, batch: MicroBatch, units: Number) -> dict[str, Tensor]:
        batch = batch.to(self._runtime.device)
        with self._copies.in_use() if self._copies else nullcontext():
            with self._runtime.autocast():
                sums = self._task.loss_sums(batch)
            mean = sums["loss"] / units
            (mean if self.scaler is None else self.scaler.scale(mean)).backward()
        return {name: total.detach() for name, total in sums.items()}

    def _clip(self) -> Tensor:
        """Clip the gradient's global norm and return it as it was.

        The scaler takes any object with `param_groups` and `step` for an optimizer.
        """
        if self.scaler is not None:
            self.scaler.unscale_(cast(Any, self.optimizer))
        norm = get_total_norm(self._gradients())
        if self._config.max_grad_norm is not None:
            clip_grads_with_norm_(self.optimizer.parameters, self._config.max_grad_norm, norm)
        return norm

    def _has_moved(self, grad_norm: Tensor) -> bool:
        """Whether the step was made: the scaler, which waits for the device, leaves some out."""
        return self.scaler is None or bool(grad_norm.isfinite())

    def _step(self, lr: Number) -> None:
        self.optimizer.lr = lr
        if self.scaler is None:
            self.optimizer.step()
        else:
            self.scaler.step(cast(Any, self.optimizer))
        if self._copies is not None:
            self._copies.write()

"""One optimizer step: micro-batches, scaling, clipping, update."""

from typing import Any, NamedTuple, cast

import torch
from torch import Tensor
from torch.nn.utils import clip_grads_with_norm_, get_total_norm

from pawn_core.config import TrainingConfig
from pawn_core.data.sequences import Batch
from pawn_core.runtime import Runtime
from pawn_core.training.optimizer import Optimizer, build_optimizer
from pawn_core.training.task import ModelTask


class Update(NamedTuple):
    """What one step did; tensors stay on the device."""

    sums: dict[str, Tensor]
    """What the task sums over supervised positions, `loss` among them."""
    grad_norm: Tensor
    finite: Tensor
    tokens: int
    games: int
    flops: int
    applied: bool = True
    """Whether the model was moved; the task may refuse what is not finite."""

    @property
    def loss_sum(self) -> Tensor:
        """The loss, summed over supervised positions."""
        return self.sums["loss"]


class Updater:
    """Apply the gradient of the mean loss over all supervised positions of a step.

    The mean is over the tokens of all micro-batches of all processes together, so that neither
    accumulation nor the number of GPUs changes what is learned.
    """

    def __init__(self, task: ModelTask, config: TrainingConfig, runtime: Runtime) -> None:
        self._task, self._config, self._runtime = task, config, runtime
        self.optimizer = self._new_optimizer()
        self.scaler = runtime.grad_scaler()

    def renew_optimizer(self) -> None:
        """Take what the task wants moved by now; parameters that stay keep their state."""
        before, self.optimizer = self.optimizer, self._new_optimizer()
        self.optimizer.take_over(before)

    def _new_optimizer(self) -> Optimizer:
        task = self._task
        return build_optimizer(task.parameters(), self._config, self._runtime, task.lr_ratios())

    def update(self, micro_batches: list[Batch], lr: float) -> Update:
        """Do one step at this learning rate."""
        tokens, games, flops = self._count(micro_batches)
        parts = [self._backward(batch, tokens) for batch in micro_batches]
        sums = {name: torch.stack([part[name] for part in parts]).sum() for name in parts[0]}
        self._runtime.processes.sum_tensors([*sums.values(), *self._gradients()])
        grad_norm = self._clip()
        finite = sums["loss"].isfinite()
        if self.scaler is None:
            finite = finite & grad_norm.isfinite()
        applied = self._task.accepts(finite)
        if applied:
            self._step(lr)
        if self.scaler is not None:
            self.scaler.update()
        self.optimizer.zero_grad()
        return Update(sums, grad_norm, finite, tokens, games, flops, applied)

    def _count(self, micro_batches: list[Batch]) -> list[int]:
        """Return the tokens, games and FLOPs of the step, over all processes."""
        return self._runtime.processes.sum_numbers(
            sum(len(batch.targets_n) for batch in micro_batches),
            sum(batch.games for batch in micro_batches),
            sum(self._task.flops(batch) for batch in micro_batches),
        )

    def _gradients(self) -> list[Tensor]:
        return [p.grad for p in self.optimizer.parameters if p.grad is not None]

    def _backward(self, batch: Batch, tokens: int) -> dict[str, Tensor]:
        batch = batch.to(self._runtime.device)
        with self._runtime.autocast():
            sums = self._task.loss_sums(batch)
        mean = sums["loss"] / tokens
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

    def _step(self, lr: float) -> None:
        self.optimizer.lr = lr
        if self.scaler is None:
            self.optimizer.step()
        else:
            self.scaler.step(cast(Any, self.optimizer))

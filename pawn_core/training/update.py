"""One optimizer step: micro-batches, scaling, clipping, update."""

from typing import Any, NamedTuple, cast

import torch
from torch import Tensor
from torch.nn.utils import clip_grads_with_norm_, get_total_norm

from pawn_core.config import TrainingConfig
from pawn_core.data.sequences import Batch
from pawn_core.runtime import Runtime
from pawn_core.training.optimizer import Optimizer
from pawn_core.training.task import ModelTask


class Update(NamedTuple):
    """What one step did; tensors stay on the device."""

    loss_sum: Tensor
    grad_norm: Tensor
    finite: Tensor
    tokens: int
    games: int
    flops: int


class Updater:
    """Apply the gradient of the mean loss over all supervised positions of a step.

    The mean is over the tokens of all micro-batches of all processes together, so that neither
    accumulation nor the number of GPUs changes what is learned.
    """

    def __init__(
        self, task: ModelTask, optimizer: Optimizer, config: TrainingConfig, runtime: Runtime
    ) -> None:
        self._task = task
        self._optimizer = optimizer
        self._max_norm = config.max_grad_norm
        self._runtime = runtime
        self.scaler = runtime.grad_scaler()

    def update(self, micro_batches: list[Batch], lr: float) -> Update:
        """Do one step at this learning rate."""
        tokens, games, flops = self._count(micro_batches)
        losses = [self._backward(batch, tokens) for batch in micro_batches]
        loss_sum = torch.stack(losses).sum()
        self._runtime.processes.sum_tensors([loss_sum, *self._gradients()])
        grad_norm = self._clip()
        self._step(lr)
        finite = loss_sum.isfinite()
        if self.scaler is None:
            finite = finite & grad_norm.isfinite()
        return Update(loss_sum, grad_norm, finite, tokens, games, flops)

    def _count(self, micro_batches: list[Batch]) -> list[int]:
        """Return the tokens, games and FLOPs of the step, over all processes."""
        return self._runtime.processes.sum_numbers(
            sum(len(batch.targets_n) for batch in micro_batches),
            sum(batch.games for batch in micro_batches),
            sum(self._task.flops(batch) for batch in micro_batches),
        )

    def _gradients(self) -> list[Tensor]:
        return [p.grad for p in self._optimizer.parameters if p.grad is not None]

    def _backward(self, batch: Batch, tokens: int) -> Tensor:
        batch = batch.to(self._runtime.device)
        with self._runtime.autocast():
            loss_sum = self._task.loss_sum(batch)
        mean = loss_sum / tokens
        (mean if self.scaler is None else self.scaler.scale(mean)).backward()
        return loss_sum.detach()

    def _clip(self) -> Tensor:
        """Clip the gradient's global norm and return it as it was.

        The scaler takes any object with `param_groups` and `step` for an optimizer.
        """
        if self.scaler is not None:
            self.scaler.unscale_(cast(Any, self._optimizer))
        norm = get_total_norm(self._gradients())
        if self._max_norm is not None:
            clip_grads_with_norm_(self._optimizer.parameters, self._max_norm, norm)
        return norm

    def _step(self, lr: float) -> None:
        self._optimizer.lr = lr
        if self.scaler is None:
            self._optimizer.step()
        else:
            self.scaler.step(cast(Any, self._optimizer))
            self.scaler.update()
        self._optimizer.zero_grad()

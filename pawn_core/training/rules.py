"""Update rules: how a set of parameters moves along its gradients.

The classes of `torch.optim` are not used: constructing one imports the whole compiler
(`torch._dynamo`, 5 s on one core), also where nothing is compiled. Its functions do not.
"""

from collections.abc import Mapping
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.optim.adamw import adamw

Named = Mapping[str, Tensor]

Number = float | Tensor
"""A learning rate: a float, or, for an update that a GPU repeats by itself, a tensor (), float64 on
a CPU."""


class Rule(Protocol):
    """Owns some parameters and what it remembers about them."""

    parameters: list[Tensor]

    def update(self, lr: Number) -> None:
        """Apply one update from the gradients."""
        ...

    def state(self) -> dict[str, Tensor]:
        """Return the live state tensors, flat: `<parameter name>.<kind>`."""
        ...


class AdamW:
    """Adam with decoupled weight decay (Loshchilov & Hutter, 2019, arXiv 1711.05101).

    torch's own fused kernel, on a CPU too.
    """

    BETAS = (0.9, 0.95)
    EPS = 1e-8

    def __init__(
        self,
        named: Named,
        weight_decay: float,
        lr_ratio: float = 1.0,
        betas: tuple[float, float] = BETAS,
    ) -> None:
        """Own these parameters, whose learning rate is `lr_ratio` times the run's."""
        self.parameters = list(named.values())
        self._names = list(named)
        self._weight_decay, self._lr_ratio, self._betas = weight_decay, lr_ratio, betas
        self._exp_avg = [torch.zeros_like(p) for p in self.parameters]
        self._exp_avg_sq = [torch.zeros_like(p) for p in self.parameters]
        self._steps = [torch.zeros((), device=p.device) for p in self.parameters]

    def update(self, lr: Number) -> None:
        """Apply one update from the gradients; a parameter that the loss left out stays."""
        moved = [i for i, parameter in enumerate(self.parameters) if parameter.grad is not None]
        adamw(
            [self.parameters[i] for i in moved],
            [gradient(self.parameters[i]) for i in moved],
            [self._exp_avg[i] for i in moved],
            [self._exp_avg_sq[i] for i in moved],
            [],
            [self._steps[i] for i in moved],
            fused=True,
            lr=lr * self._lr_ratio,
            beta1=self._betas[0],
            beta2=self._betas[1],
            weight_decay=self._weight_decay,
            eps=self.EPS,
            amsgrad=False,
            maximize=False,
        )

    def state(self) -> dict[str, Tensor]:
        """Return both moments and the step count of every parameter."""
        kinds = {"exp_avg": self._exp_avg, "exp_avg_sq": self._exp_avg_sq, "step": self._steps}
        return {
            f"{name}.{kind}": tensor
            for kind, tensors in kinds.items()
            for name, tensor in zip(self._names, tensors, strict=True)
        }


class Muon:
    """Momentum made orthogonal, for matrices (Jordan, 2024, kellerjordan.github.io/posts/muon).

    An update is scaled to the root mean square of AdamW's, so that one learning rate serves both
    (Liu et al., 2025, arXiv 2502.16982).
    """

    MOMENTUM = 0.95
    RMS = 0.2

    def __init__(
        self, named: Named, weight_decay: float, dtype: torch.dtype = torch.float32
    ) -> None:
        """Own these matrices, whose directions are made orthogonal in `dtype`."""
        self.parameters = list(named.values())
        self._names = list(named)
        self._weight_decay = weight_decay
        self._dtype = dtype
        shapes = sorted({tuple(p.shape) for p in self.parameters})
        self._same_shape = [
            self._stacked([i for i, p in enumerate(self.parameters) if tuple(p.shape) == shape])
            for shape in shapes
        ]
        """Which parameters have a shape, and their momenta (n, rows, columns)."""

    def update(self, lr: Number) -> None:
        """Apply one update from the gradients; matrices of one shape go through together."""
        torch._foreach_mul_(self.parameters, 1 - lr * self._weight_decay)
        for indices, momentum_nrc in self._same_shape:
            parameters = [self.parameters[i] for i in indices]
            ahead_nrc = torch.stack([gradient(p) for p in parameters])
            momentum_nrc.lerp_(ahead_nrc, 1 - self.MOMENTUM)
            ahead_nrc.lerp_(momentum_nrc, self.MOMENTUM)  # Nesterov
            directions_nrc = orthogonalize(ahead_nrc, self._dtype)
            directions_nrc *= lr * self.RMS * max(directions_nrc.shape[1:]) ** 0.5
            torch._foreach_sub_(parameters, directions_nrc.unbind())

    def _stacked(self, indices: list[int]) -> tuple[list[int], Tensor]:
        return indices, torch.stack([torch.zeros_like(self.parameters[i]) for i in indices])

    def state(self) -> dict[str, Tensor]:
        """Return the momentum of every parameter."""
        return {
            f"{self._names[i]}.momentum": momentum
            for indices, momentum_nrc in self._same_shape
            for i, momentum in zip(indices, momentum_nrc.unbind(), strict=True)
        }


def orthogonalize(matrices: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """Return matrices (n, rows, columns) with their singular values brought near 1.

    Five steps of a quintic Newton-Schulz iteration, with the coefficients of Jordan et al. that
    trade exactness (0.7 to 1.2) for speed, as does bfloat16, which they compute in.
    """
    x = matrices.to(dtype)
    tall = x.shape[1] > x.shape[2]
    x = x.mT if tall else x
    x = x / x.norm(dim=(1, 2), keepdim=True).clamp(min=1e-7)
    for _ in range(5):
        gram = x @ x.mT
        step = torch.baddbmm(gram, gram, gram, beta=-4.7750, alpha=2.0315)
        x = torch.baddbmm(x, step, x, beta=3.4445)
    x = x.mT if tall else x
    return x.to(matrices.dtype, memory_format=torch.contiguous_format)


def gradient(parameter: Tensor) -> Any:
    """Return a parameter's gradient; every parameter has one."""
    assert parameter.grad is not None
    return parameter.grad

"""16-bit copies of the weights that products read, made once a step.

Autocast casts a float32 weight at each forward pass, and the gradient of its copy back at each
backward pass. These copies stand in the modules' place of the weights while gradients are made;
the weights themselves stay float32, and so do gradients once a micro-batch's are added up. The
numbers are autocast's own.
"""

from collections.abc import Generator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class WeightCopies:
    """Copies of the float32 weights of linear modules."""

    def __init__(self, modules: Sequence[nn.Linear], dtype: torch.dtype) -> None:
        """Copy weights that are trained, in `dtype`; modules without such keep autocast's casts."""
        self._modules = [module for module in modules if _is_copied(module)]
        self._weights: list[Tensor] = [module.weight for module in self._modules]
        self._copies: list[Tensor] = [
            nn.Parameter(weight.detach().to(dtype)) for weight in self._weights
        ]
        self._versions = self._versions_now()

    def refresh(self) -> None:
        """Take over weights that others have set since, such as those of a checkpoint."""
        if self._versions != self._versions_now():
            self.write()

    @torch.no_grad()
    def write(self) -> None:
        """Take over the weights as they are now."""
        if self._copies:
            torch._foreach_copy_(self._copies, self._weights)
        self._versions = self._versions_now()

    @contextmanager
    def in_use(self) -> Generator[None]:
        """Let the modules compute with the copies, for a forward pass and its backward pass.

        Afterwards the gradients are the weights', in float32.
        """
        self.refresh()
        self._place(self._copies)
        try:
            yield
            self._hand_over()
        finally:
            self._place(self._weights)
            for copy in self._copies:
                copy.grad = None

    def _place(self, weights: Sequence[Tensor]) -> None:
        """Set the modules' weights without what assigning to an attribute would check."""
        for module, weight in zip(self._modules, weights, strict=True):
            module._parameters["weight"] = weight  # pyrefly: ignore

    @torch.no_grad()
    def _hand_over(self) -> None:
        """Add the copies' gradients to the weights'."""
        first: list[tuple[Tensor, Tensor]] = []
        more: list[tuple[Tensor, Tensor]] = []
        for weight, copy in zip(self._weights, self._copies, strict=True):
            by_copy = copy.grad
            if by_copy is not None and weight.grad is None:
                weight.grad = torch.empty_like(weight)
                first.append((weight.grad, by_copy))
            elif by_copy is not None and weight.grad is not None:
                more.append((weight.grad, by_copy))
        if first:
            torch._foreach_copy_([own for own, _ in first], [by_copy for _, by_copy in first])
        if more:
            torch._foreach_add_([own for own, _ in more], [by_copy for _, by_copy in more])

    def _versions_now(self) -> list[int]:
        return [weight._version for weight in self._weights]


def _is_copied(module: nn.Linear) -> bool:
    return module.weight.requires_grad and module.weight.dtype is torch.float32

"""A linear map whose frozen matrix keeps its name, and to which an adapter adds an update."""

from abc import abstractmethod

import torch
from torch import Tensor, nn


class AdaptedLinear(nn.Linear):
    """`x (W + update).T`, W frozen and shared with the map that it takes the place of."""

    def __init__(self, frozen: nn.Linear) -> None:
        super().__init__(frozen.in_features, frozen.out_features, bias=False, device="meta")
        self.weight = frozen.weight

    @abstractmethod
    def update(self) -> Tensor:
        """Return what is added to the matrix, (out, in), in float64."""

    @torch.no_grad()
    def merged(self) -> nn.Linear:
        """Return a plain map with the sum as its matrix, rounded once."""
        plain = nn.Linear(self.in_features, self.out_features, bias=False, device="meta")
        total = self.weight.double() + self.update()
        plain.weight = nn.Parameter(total.to(self.weight.dtype), requires_grad=False)
        return plain

"""A moving average of the weights, kept as a model of its own beside the one in training."""

import copy
from collections.abc import Mapping
from typing import Generic, TypeVar

import torch
from torch import Tensor, nn

from pawn_core.run_paths import UPDATES

M = TypeVar("M", bound=nn.Module)


class Average(Generic[M]):
    """An exponential moving average of a model's parameters.

    After n updates the decay is `min(decay, (1 + n) / (10 + n))`, so that the average forgets what
    training began with. It is evaluated where it is: the model in training is never swapped for it.
    """

    def __init__(self, model: M, decay: float) -> None:
        """Begin with the weights of a model, whose copy `model` is."""
        self.model = copy.deepcopy(model)
        self.model.requires_grad_(False)
        self.updates = 0
        self._decay = decay

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        """Follow an update of the model in training."""
        self.updates += 1
        decay = min(self._decay, (1 + self.updates) / (10 + self.updates))
        averages: list[Tensor] = list(self.model.parameters())
        weights: list[Tensor] = list(model.parameters())
        torch._foreach_lerp_(averages, weights, 1 - decay)

    def state_dict(self) -> dict[str, Tensor]:
        """Return the averages by the names of the weights, and `updates`."""
        return {**self.model.state_dict(), UPDATES: torch.tensor(self.updates)}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Go on from what `state_dict` returned.

        Raises:
            ValueError: these are no averages of such a model.
        """
        weights = {name: tensor for name, tensor in state.items() if name != UPDATES}
        try:
            self.model.load_state_dict(weights)
            self.updates = int(state[UPDATES])
        except (RuntimeError, KeyError) as error:
            raise ValueError(f"the checkpoint's averages are not this model's: {error}") from None

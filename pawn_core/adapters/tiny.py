"""A small model of its own, trained on real games from scratch: what adapters are compared with.

Its embedding is its head (Press & Wolf, 2017, arXiv 1608.05859).
"""

import torch

from pawn_core.adapters.adapter import Adapter


class Tiny(Adapter):
    """Every weight of a tied model, drawn from the seed."""

    def install(self, generator: torch.Generator) -> None:
        """Draw the weights anew, and let all of them move."""
        self.model.initialize(generator)
        self.model.requires_grad_(True)

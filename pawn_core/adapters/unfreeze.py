"""Finetuning of whole layers, the last alone by default (Lee et al., 2019, arXiv 1911.03090)."""

import torch

from pawn_core.adapters.adapter import Adapter


class Unfreeze(Adapter):
    """The chosen layers themselves, their norms included."""

    def install(self, generator: torch.Generator) -> None:
        """Let the layers move from where they are."""
        for index in self.layers:
            self.model.layers[index].requires_grad_(True)

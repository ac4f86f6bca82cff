"""Hybrid: LoRA on the matrices and FiLM behind the layers."""

import torch

from pawn_core.adapters.film import Film
from pawn_core.adapters.lora import add_lora


class Hybrid(Film):
    """Both adapters at once; FiLM has its own learning rate."""

    def install(self, generator: torch.Generator) -> None:
        """Put LoRA on the chosen matrices, and FiLM behind the layers."""
        add_lora(self, generator)
        super().install(generator)

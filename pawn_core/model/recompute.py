"""Gradient checkpointing: memory for compute."""

from functools import partial
from typing import Protocol

from torch import nn
from torch.utils.checkpoint import checkpoint


class Layered(Protocol):
    """A model whose layers follow each other."""

    @property
    def blocks(self) -> nn.ModuleList:
        """The layers, in order."""
        ...


def recompute_layers(model: Layered) -> None:
    """Let the backward pass recompute each layer, so that only layers' inputs are kept.

    No layer draws random numbers: the recomputed values, and so the gradients, are the same.
    (Chen et al., 2016, arXiv 1604.06174.)
    """
    for layer in model.blocks:
        layer.forward = partial(
            checkpoint, layer.forward, use_reentrant=False, preserve_rng_state=False
        )

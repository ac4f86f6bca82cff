"""Gradient checkpointing: memory for compute."""

from functools import partial

from torch.utils.checkpoint import checkpoint

from pawn_core.model.gpt2 import Gpt2
from pawn_core.model.transformer import Transformer


def recompute_layers(model: Transformer | Gpt2) -> None:
    """Let the backward pass recompute each layer, so that only layers' inputs are kept.

    No layer draws random numbers: the recomputed values, and so the gradients, are the same.
    (Chen et al., 2016, arXiv 1604.06174.)
    """
    for layer in model.h if isinstance(model, Gpt2) else model.layers:
        layer.forward = partial(
            checkpoint, layer.forward, use_reentrant=False, preserve_rng_state=False
        )

"""Gradient checkpointing: memory for compute."""

from functools import partial

from torch.utils.checkpoint import checkpoint

from pawn_core.model.language_model import LanguageModel


def recompute_layers(model: LanguageModel) -> None:
    """Let the backward pass recompute each layer, so that only layers' inputs are kept.

    No layer draws random numbers: the recomputed values, and so the gradients, are the same.
    (Chen et al., 2016, arXiv 1604.06174.)
    """
    for layer in model.blocks:
        layer.forward = partial(
            checkpoint, layer.forward, use_reentrant=False, preserve_rng_state=False
        )

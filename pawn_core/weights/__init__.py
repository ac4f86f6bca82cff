"""Weights that people already have: find them, load them, publish them."""

from pawn_core.weights.load import Adapted, Pretrained, load_pretrained

__all__ = ["Adapted", "Pretrained", "load_pretrained"]

"""Weights that people already have: find them, load them, publish them."""

from pawn_core.weights.load import Pretrained, load_pretrained

__all__ = ["Pretrained", "load_pretrained"]

"""The transformer and its parts."""

from pawn_core.model.transformer import Transformer, parameter_count

__all__ = ["Transformer", "parameter_count"]

"""Models of positions: a trunk over the squares of a board, and heads for what is asked of it."""

from pawn_core.position_model.loading import (
    Heads,
    LoadedPositionModel,
    load_position_model,
    new_position_model,
    start_from,
)
from pawn_core.position_model.operations import forward_operations
from pawn_core.position_model.position_model import Outputs, PositionModel
from pawn_core.position_model.spec import PositionModelSpec

__all__ = [
    "Heads",
    "LoadedPositionModel",
    "Outputs",
    "PositionModel",
    "PositionModelSpec",
    "forward_operations",
    "load_position_model",
    "new_position_model",
    "start_from",
]

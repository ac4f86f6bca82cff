"""Labelled positions on disk, and the batches that are drawn from them."""

from pawn_core.positions.batches import (
    Augmentation,
    PositionBatch,
    PositionStream,
    held_out_batches,
)
from pawn_core.positions.curriculum import (
    Curriculum,
    MixtureStage,
    mixture_stages,
    sequential_stages,
)
from pawn_core.positions.library import PositionLibrary, PositionSet, require_positions
from pawn_core.positions.manifest import DamagedPositionsError
from pawn_core.positions.plan import MixturePlan
from pawn_core.positions.records import LabelledPosition
from pawn_core.positions.writer import ShardWriter

__all__ = [
    "Augmentation",
    "Curriculum",
    "DamagedPositionsError",
    "LabelledPosition",
    "MixturePlan",
    "MixtureStage",
    "PositionBatch",
    "PositionLibrary",
    "PositionSet",
    "PositionStream",
    "ShardWriter",
    "held_out_batches",
    "mixture_stages",
    "require_positions",
    "sequential_stages",
]

"""Atomic, hashed checkpoints without pickle.

This package's own imports stay free of torch, for the lab; `store` needs it.
"""

from pawn_core.checkpoint.errors import (
    CheckpointError,
    CheckpointIntegrityError,
    IncompatibleWeightsError,
    IncompleteCheckpointError,
    UnsafeFileError,
)
from pawn_core.checkpoint.manifest import Manifest, latest_verified, verify

__all__ = [
    "CheckpointError",
    "CheckpointIntegrityError",
    "IncompatibleWeightsError",
    "IncompleteCheckpointError",
    "Manifest",
    "UnsafeFileError",
    "latest_verified",
    "verify",
]

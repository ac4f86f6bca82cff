"""Atomic, hashed checkpoints without pickle.

This package's own imports stay free of torch, for the lab; `store` and `state` need it.
"""

from pawn_core.checkpoint.errors import (
    CheckpointError,
    CheckpointIntegrityError,
    IncompleteCheckpointError,
    UnsafeFileError,
)
from pawn_core.checkpoint.manifest import Manifest, latest_verified, verify

__all__ = [
    "CheckpointError",
    "CheckpointIntegrityError",
    "IncompleteCheckpointError",
    "Manifest",
    "UnsafeFileError",
    "latest_verified",
    "verify",
]

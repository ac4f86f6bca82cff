"""A small checkpoint to save and to damage."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from pawn_core.checkpoint import store
from pawn_core.checkpoint.store import Checkpoint
from pawn_core.run_paths import MODEL, OPTIMIZER


@pytest.fixture
def make() -> Callable[[int], Checkpoint]:
    """Return a function that makes the checkpoint of a step."""

    def build(step: int) -> Checkpoint:
        weights = {"a": torch.full((3, 4), float(step)), "b": torch.arange(5, dtype=torch.float32)}
        moments = {"a.exp_avg": torch.ones(3, 4)}
        return Checkpoint(step, {MODEL: weights, OPTIMIZER: moments}, {"step": step}, {"lr": 0.1})

    return build


@pytest.fixture
def saved(tmp_path: Path, make: Callable[[int], Checkpoint]) -> Path:
    """Return the path of a saved checkpoint of step 7."""
    return store.save(tmp_path / "checkpoints", make(7))

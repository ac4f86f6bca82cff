"""Weights of small untrained models of positions, as checkpoints keep them."""

import json
from pathlib import Path

from safetensors.torch import save_file

from pawn_core.config.position_models import POSITION_VARIANTS
from pawn_core.position_model import PositionModel, PositionModelSpec, new_position_model
from pawn_core.run_paths import MODEL, POSITION_MODEL


def toy_model(seed: int = 0, **fields) -> PositionModel:
    """Return a model of the smallest variant."""
    return new_position_model(PositionModelSpec(POSITION_VARIANTS["toy"], **fields), seed)


def position_weights(folder: Path, seed: int = 0, **fields) -> Path:
    """Write such a model and return its folder."""
    model = toy_model(seed, **fields)
    folder.mkdir(parents=True)
    save_file(model.state_dict(), folder / MODEL)
    (folder / POSITION_MODEL).write_text(json.dumps(model.spec.document()), encoding="utf-8")
    return folder

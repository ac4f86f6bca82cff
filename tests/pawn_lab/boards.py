"""A trial whose saved weights can stand at the board."""

import json
from pathlib import Path
from typing import Any

from lab_testing import CONFIG, add_ended_trial
from published import published_tensors
from safetensors.numpy import save_file

from pawn_core.checkpoint.manifest import checkpoint_name, seal
from pawn_core.config import parse_config
from pawn_lab.lab import Lab

D_MODEL, D_FF = 16, 32


def add_player(lab: Lab, steps: tuple[int, ...] = (200,), **fields: Any) -> int:
    """Add an ended trial with sealed weights at some steps, drawn at random; return its number."""
    config = parse_config(CONFIG | fields).model_dump(mode="json")
    number = add_ended_trial(lab, config, max(steps))
    for step in steps:
        write_weights(lab.paths.trial(number).checkpoints / checkpoint_name(step), step, config)
    return number


def write_weights(folder: Path, step: int, config: dict[str, Any]) -> None:
    """Write a model of one layer, far smaller than what its config's variant would be."""
    folder.mkdir(parents=True)
    save_file(published_tensors(D_MODEL, 1, D_FF, "searchless"), folder / "model.safetensors")
    sizes = {"variant": "custom", "d_model": D_MODEL, "n_layers": 1, "n_heads": 2, "d_ff": D_FF}
    (folder / "config.json").write_text(json.dumps(config | sizes), encoding="utf-8")
    seal(folder, step)

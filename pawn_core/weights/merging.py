"""Plain weights of an adapter on its backbone, in the published form."""

from pathlib import Path

import torch
from safetensors.torch import save_file

from pawn_core.checkpoint.errors import IncompatibleWeightsError
from pawn_core.run_paths import CONFIG, MODEL
from pawn_core.weights.publish import new_folder, write_json
from pawn_core.weights.spec import published_form
from pawn_core.weights.subject import Subject, load_subject

MERGED = "merged"
"""In the config: which adapter and which backbone the weights are made of."""


def merge_adapter(source: str, output_dir: Path) -> Subject:
    """Write `model.safetensors` and `config.json` of an adapter's checkpoint; return what it was.

    Raises:
        ConfigError: there is no such checkpoint, or its backbone is gone or another.
        IncompatibleWeightsError: it is no adapter's, or its strategy has no plain weights.
        FileExistsError: `output_dir` exists.
    """
    subject = load_subject(source, Path(), torch.device("cpu"))
    adapted = subject.pretrained.adapted
    if adapted is None:
        raise IncompatibleWeightsError(f"{subject.path} holds plain weights: nothing to merge")
    try:
        merged = adapted.adapter.merge()
    except ValueError as error:
        raise IncompatibleWeightsError(f"{subject.path}: {error}") from None
    origin = {MERGED: {"weights": subject.document()["weights"], **adapted.document()["adapter"]}}
    config = published_form("adapter", subject.pretrained.spec, subject.adapted_by) | origin
    with new_folder(output_dir) as folder:
        tensors = {name: tensor.contiguous() for name, tensor in merged.state_dict().items()}
        save_file(tensors, folder / MODEL)
        write_json(folder / CONFIG, config)
    return subject

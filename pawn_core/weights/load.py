"""Build the model that a set of weights belongs to."""

from dataclasses import dataclass
from pathlib import Path

import chess_engine
import torch
from chess_engine import Vocabulary
from safetensors.torch import load_file

from pawn_core.checkpoint.errors import IncompatibleWeightsError
from pawn_core.model import Transformer
from pawn_core.text_path import text_path
from pawn_core.weights.source import Files, find
from pawn_core.weights.spec import ModelSpec, read_spec


@dataclass(frozen=True)
class Pretrained:
    """A model with its weights, and how to feed it."""

    model: Transformer
    """float32, in evaluation mode."""
    vocabulary: Vocabulary
    spec: ModelSpec


def load_pretrained(source: str | Path, device: str | torch.device = "cpu") -> Pretrained:
    """Return the model of a Hugging Face repository id, a checkpoint directory or a bare file.

    Args:
        source: `owner/name`, `owner/name@revision`, `owner/name@revision:folder`, a directory
            with `model.safetensors` (a checkpoint of this project or a published one), or a
            `.safetensors` file.

    Raises:
        CheckpointError: the weights do not exist, are damaged, are a pickle, or belong to another
            kind of model; see `pawn_core.checkpoint.errors`.
    """
    return load_files(find(source), device)


def load_files(files: Files, device: str | torch.device = "cpu") -> Pretrained:
    """Return the model of files that `find` has checked.

    Raises:
        IncompatibleWeightsError: they belong to another kind of model.
    """
    with text_path(files.model) as readable:
        tensors = load_file(readable)
    spec = read_spec({name: tuple(t.shape) for name, t in tensors.items()}, files.config)
    vocabulary = chess_engine.export_move_vocabulary(spec.vocabulary)
    model = untrained(spec)
    try:
        model.load_state_dict(tensors)
    except RuntimeError as error:
        raise IncompatibleWeightsError(f"{files.model} is not such a model: {error}") from None
    return Pretrained(model.eval().to(device), vocabulary, spec)


def untrained(spec: ModelSpec) -> Transformer:
    """Return a model of this form, its weights as torch draws them."""
    vocabulary = chess_engine.export_move_vocabulary(spec.vocabulary)
    return Transformer(spec.architecture, vocabulary, spec.max_seq_len, tied=spec.tied)

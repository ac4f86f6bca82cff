"""Build the model that a set of weights belongs to, an adapter on its backbone."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import chess_engine
import torch
from chess_engine import Vocabulary
from safetensors.torch import load_file
from torch import Tensor

from pawn_core.adapters import Adapter, build_adapter
from pawn_core.checkpoint.errors import IncompatibleWeightsError
from pawn_core.config import AdapterConfig, ConfigError, parse_config
from pawn_core.model import Transformer
from pawn_core.text_path import text_path
from pawn_core.weights.backbone import Backbone
from pawn_core.weights.source import Files, find
from pawn_core.weights.spec import ModelSpec, check_moves, read_spec


@dataclass(frozen=True)
class Adapted:
    """An adapter in its backbone."""

    adapter: Adapter
    """As it was trained; `merge` makes plain weights of it where its strategy allows."""
    backbone: Backbone
    files: Files
    """The backbone's."""

    def document(self) -> dict[str, Any]:
        """Return what identifies it, as JSON."""
        strategy = self.adapter.config.strategy
        return {"adapter": {"strategy": strategy, "backbone": self.backbone.document()}}


@dataclass(frozen=True)
class Pretrained:
    """A model with its weights, and how to feed it."""

    model: Transformer
    """float32, in evaluation mode."""
    vocabulary: Vocabulary
    spec: ModelSpec
    adapted: Adapted | None = None
    """What adapts the model; None of plain weights."""


def load_pretrained(source: str | Path, device: str | torch.device = "cpu") -> Pretrained:
    """Return the model of a Hugging Face repository id, a checkpoint directory or a bare file.

    Args:
        source: `owner/name`, `owner/name@revision`, `owner/name@revision:folder`, a directory
            with `model.safetensors` (a checkpoint of this project or a published one) or
            `adapter_model.safetensors`, whose backbone is looked for, or a `.safetensors` file.

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
    pretrained = _plain(files) if files.backbone is None else _adapted(files)
    pretrained.model.eval().to(device)
    return pretrained


def _plain(files: Files) -> Pretrained:
    check_moves(files.model.parent, files.config or {})
    tensors = _tensors(files)
    spec = read_spec({name: tuple(t.shape) for name, t in tensors.items()}, files.config)
    vocabulary = chess_engine.export_move_vocabulary(spec.vocabulary)
    model = untrained(spec)
    try:
        model.load_state_dict(tensors)
    except RuntimeError as error:
        raise IncompatibleWeightsError(f"{files.model} is not such a model: {error}") from None
    return Pretrained(model, vocabulary, spec)


def _adapted(files: Files) -> Pretrained:
    """Return the adapter of a checkpoint on its backbone.

    `trial:N` is a trial beside that whose run has the checkpoint.
    """
    backbone = Backbone.read(files.backbone or {}, files.model)
    config, run_dir = _adapter_config(files), files.model.parent.parent.parent
    backbone_files = backbone.find(run_dir)
    base = _plain(backbone_files)
    try:
        adapter = build_adapter(base.model, config)
        adapter.load(_tensors(files))
    except ValueError as error:
        raise IncompatibleWeightsError(f"{files.model}: {error}") from None
    return replace(base, adapted=Adapted(adapter, backbone, backbone_files))


def _adapter_config(files: Files) -> AdapterConfig:
    try:
        config = parse_config(files.config or {})
    except ConfigError as error:
        raise IncompatibleWeightsError(f"the config beside {files.model}: {error}") from None
    if not isinstance(config, AdapterConfig):
        raise IncompatibleWeightsError(
            f"the config beside {files.model} is of run_type '{config.run_type}', not an adapter's"
        )
    return config


def _tensors(files: Files) -> dict[str, Tensor]:
    with text_path(files.model) as readable:
        return load_file(readable)


def untrained(spec: ModelSpec) -> Transformer:
    """Return a model of this form, its weights as torch draws them."""
    vocabulary = chess_engine.export_move_vocabulary(spec.vocabulary)
    return Transformer(spec.architecture, vocabulary, spec.max_seq_len, tied=spec.tied)

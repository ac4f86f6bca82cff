"""What training takes in memory, from a model's dimensions alone. Never imports torch."""

import functools
import math
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from pawn_core.checkpoint.errors import CheckpointError
from pawn_core.checkpoint.manifest import finished
from pawn_core.checkpoint.safety import tensor_shapes
from pawn_core.config import (
    AdapterConfig,
    Architecture,
    GrpoConfig,
    MultitaskConfig,
    PretrainConfig,
    RunConfig,
    SftConfig,
)
from pawn_core.flops import matrix_parameters
from pawn_core.position_parameters import position_parameters
from pawn_core.run_paths import MODEL, RunPaths
from pawn_core.text_path import is_file

_FLOAT32 = 4
CHARACTERS = 97
"""Tokens of models over characters: what can be printed, PAD and the end."""
_SQUARES_AND_PROMOTIONS = 64 + 64 + 5  # source, destination, promotion: embeddings of a move
_LAYER_MATRICES = 4 + 3  # attention, feed-forward
_LAYER_NORMS = 2
_OTHER_TENSORS = 5 + 1 + 1  # embedding, final norm, head


class Footprint(NamedTuple):
    """Parameters, and the bytes that one process holds of them in float32, activations apart."""

    parameters: int
    weights: int
    gradients: int
    optimizer: int
    """AdamW: mean, square and a step count of each tensor; Muon: one moment, inside layers."""

    @property
    def state_bytes(self) -> int:
        """Weights, gradients and optimizer state together."""
        return self.weights + self.gradients + self.optimizer


def footprint(config: RunConfig) -> Footprint | None:
    """Return what all models of a run take.

    None for a run type that trains none, and where the weights to start from are not at hand.
    """
    if isinstance(config, AdapterConfig):
        return _of_adapter(config)
    if isinstance(config, SftConfig | GrpoConfig):
        return _of_text(config)
    if isinstance(config, MultitaskConfig):
        return _of_positions(config)
    models = [_footprint(m) for m in config.members().values() if isinstance(m, PretrainConfig)]
    return Footprint(*(sum(part) for part in zip(*models, strict=True))) if models else None


def backbone_shapes(config: AdapterConfig) -> dict[str, tuple[int, ...]] | None:
    """Return the shapes of a backbone's tensors by name; None where no file of it is at hand."""
    return {} if config.checkpoint is None else _shapes_at(Path(config.checkpoint))


def _shapes_at(source: Path) -> dict[str, tuple[int, ...]] | None:
    saved = finished(RunPaths(source).checkpoints)
    folders = (source, *list(saved.values())[-1:])
    try:
        files = (source, *(folder / MODEL for folder in folders))
        file = next((file for file in files if is_file(file)), None)
        return tensor_shapes(file) if file else None
    except (CheckpointError, OSError):
        return None


def trainable_parameters(config: AdapterConfig) -> int | None:
    """Return how many parameters an adapter trains; None where its backbone is not at hand.

    Raises:
        ValueError: the backbone lacks a layer that is to be adapted.
    """
    if config.adapts_by.from_scratch:
        return parameter_count(config.architecture, "searchless", tied=True)
    shapes = backbone_shapes(config)
    dimensions = _dimensions(shapes) if shapes else None
    return config.adapts_by.parameters(config, *dimensions) if dimensions else None


def backbone_refusal(config: RunConfig) -> str | None:
    """Say that a backbone at hand lacks a layer that an adapter is for; None where it does not."""
    try:
        if isinstance(config, AdapterConfig):
            trainable_parameters(config)
    except ValueError as error:
        return str(error)
    return None


def _of_adapter(config: AdapterConfig) -> Footprint | None:
    """Return the bytes of a backbone and its adapter; only what is trained has more than weights.

    A step count of each trained tensor is left out, and so are the places of sparse entries.
    """
    try:
        trained = trainable_parameters(config)
    except ValueError:
        return None
    if trained is None:
        return None
    backbone = sum(math.prod(shape) for shape in (backbone_shapes(config) or {}).values())
    parameters = backbone if config.adapts_by.in_place else backbone + trained
    moved = _FLOAT32 * trained
    return Footprint(parameters, _FLOAT32 * parameters, moved, 2 * moved)


def _of_text(config: SftConfig | GrpoConfig) -> Footprint | None:
    """Return the bytes of a model of text; a policy has its frozen reference beside it.

    A step count of each tensor is left out.
    """
    if config.checkpoint is not None:
        shapes = _shapes_at(Path(config.checkpoint))
        trained = sum(math.prod(shape) for shape in shapes.values()) if shapes else None
    else:
        assert isinstance(config, SftConfig), "a policy starts from weights"
        trained = tied_parameters(config.architecture, CHARACTERS)
    if trained is None:
        return None
    moved, models = _FLOAT32 * trained, 2 if isinstance(config, GrpoConfig) else 1
    return Footprint(trained, models * moved, moved, 2 * moved)


def _of_positions(config: MultitaskConfig) -> Footprint | None:
    """Return the bytes of a model of positions, with its moving average where there is one.

    A step count of each tensor is left out.
    """
    if config.checkpoint is not None:
        shapes = _shapes_at(Path(config.checkpoint))
        parameters = sum(math.prod(shape) for shape in shapes.values()) if shapes else None
    else:
        parameters = position_parameters(config)
    if parameters is None:
        return None
    held, copies = _FLOAT32 * parameters, 1 if config.ema_decay is None else 2
    return Footprint(parameters, copies * held, held, 2 * held)


def _dimensions(shapes: Mapping[str, tuple[int, ...]]) -> tuple[Architecture, int] | None:
    """Return a model's dimensions, heads aside, and its tokens; None of another kind of model."""
    layers = {name.split(".")[1] for name in shapes if name.startswith("layers.")}
    head, gate = shapes.get("lm_head.weight"), shapes.get("layers.0.ffn.w_gate.weight")
    if head is None or gate is None or len(head) != 2:
        return None
    return Architecture(head[1], len(layers), 1, gate[0]), head[0]


def _footprint(config: PretrainConfig) -> Footprint:
    parameters = parameter_count(config.architecture, config.vocabulary)
    by_muon = matrix_parameters(config.architecture, 0) if config.optimizer == "muon" else 0
    moments = 2 * (parameters - by_muon) + by_muon
    step_counts = _OTHER_TENSORS + config.architecture.n_layers * (
        _LAYER_NORMS if by_muon else _LAYER_NORMS + _LAYER_MATRICES
    )
    weights = _FLOAT32 * parameters
    return Footprint(parameters, weights, weights, _FLOAT32 * (moments + step_counts))


@functools.cache
def _sizes(vocabulary: str) -> tuple[int, int]:
    """Return the tokens of the head, and the outcomes that the embedding knows."""
    import chess_engine  # Late: whoever has imported it cannot be forked (see preflight.forked).

    exported = chess_engine.export_move_vocabulary(vocabulary)
    return exported.size, len(exported.outcomes)


def parameter_count(architecture: Architecture, vocabulary: str, *, tied: bool = False) -> int:
    """Return all parameters: layers, head, factored embedding, outcomes, PAD and norms.

    A tied model has no embedding of its own.
    """
    tokens, outcomes = _sizes(vocabulary)
    embedding = 0 if tied else _SQUARES_AND_PROMOTIONS + outcomes + 1
    return tied_parameters(architecture, tokens) + architecture.d_model * embedding


def tied_parameters(architecture: Architecture, tokens: int) -> int:
    """Return the parameters of a model without an embedding of its own: layers, head and norms."""
    norms = 2 * architecture.n_layers + 1
    return matrix_parameters(architecture, tokens) + architecture.d_model * norms

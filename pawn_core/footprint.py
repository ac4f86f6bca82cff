"""What a model takes in device memory, from its dimensions alone. Never imports torch."""

import functools
from typing import NamedTuple

import chess_engine

from pawn_core.config import Architecture, CotrainConfig, PretrainConfig, RunConfig
from pawn_core.flops import matrix_parameters

_FLOAT32 = 4
_SQUARES_AND_PROMOTIONS = 64 + 64 + 5  # source, destination, promotion: embeddings of a move


class Footprint(NamedTuple):
    """Parameters, and the bytes of weights, gradients and optimizer state in float32."""

    parameters: int
    state_bytes: int


def footprint(config: RunConfig) -> Footprint | None:
    """Return what training takes without activations; None for a run type without a model."""
    if isinstance(config, CotrainConfig):
        models = [_footprint(member) for member in config.members().values()]
        return Footprint(sum(m.parameters for m in models), sum(m.state_bytes for m in models))
    return _footprint(config) if isinstance(config, PretrainConfig) else None


def _footprint(config: PretrainConfig) -> Footprint:
    parameters = parameter_count(config.architecture, config.vocabulary)
    moments = 2 * parameters  # AdamW: mean and square; Muon keeps one for matrices inside layers
    if config.optimizer == "muon":
        moments -= _layer_matrices(config.architecture)
    return Footprint(parameters, _FLOAT32 * (2 * parameters + moments))


@functools.cache
def _sizes(vocabulary: str) -> tuple[int, int]:
    """Return the tokens of the head, and the outcomes that the embedding knows."""
    exported = chess_engine.export_move_vocabulary(vocabulary)
    return exported.size, len(exported.outcomes)


def parameter_count(architecture: Architecture, vocabulary: str) -> int:
    """Return all parameters: layers, head, factored embedding, outcomes, PAD and norms."""
    tokens, outcomes = _sizes(vocabulary)
    embedding = _SQUARES_AND_PROMOTIONS + outcomes + 1
    norms = 2 * architecture.n_layers + 1
    return matrix_parameters(architecture, tokens) + architecture.d_model * (embedding + norms)


def _layer_matrices(architecture: Architecture) -> int:
    return matrix_parameters(architecture, 0)

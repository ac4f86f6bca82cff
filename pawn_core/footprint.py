"""What training takes in memory, from a model's dimensions alone. Never imports torch."""

import functools
from typing import NamedTuple

import chess_engine

from pawn_core.config import Architecture, PretrainConfig, RunConfig
from pawn_core.flops import matrix_parameters

_FLOAT32 = 4
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
    """Return what all models of a run take; None for a run type that trains none."""
    models = [_footprint(m) for m in config.members().values() if isinstance(m, PretrainConfig)]
    return Footprint(*(sum(part) for part in zip(*models, strict=True))) if models else None


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
    exported = chess_engine.export_move_vocabulary(vocabulary)
    return exported.size, len(exported.outcomes)


def parameter_count(architecture: Architecture, vocabulary: str, *, tied: bool = False) -> int:
    """Return all parameters: layers, head, factored embedding, outcomes, PAD and norms.

    A tied model has no embedding of its own.
    """
    tokens, outcomes = _sizes(vocabulary)
    embedding = 0 if tied else _SQUARES_AND_PROMOTIONS + outcomes + 1
    norms = 2 * architecture.n_layers + 1
    return matrix_parameters(architecture, tokens) + architecture.d_model * (embedding + norms)

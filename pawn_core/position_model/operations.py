"""Floating-point operations of a model of positions, by the convention of `pawn_core.flops`.

A kernel of 3x3 counts nine squares at the edge too; norms, activations and softmax are left out.
"""

from collections.abc import Iterable

from chess_engine import POLICY_SIZE

from pawn_core.config.position_tasks import position_task
from pawn_core.position_model.heads import DENSE_POLICY_CHANNELS, MOVE_PLANES, value_channels
from pawn_core.position_model.inputs import INPUT_PLANES
from pawn_core.position_model.spec import PositionModelSpec
from pawn_core.position_model.tower import squeezed_channels

_SQUARES = 64
_KERNEL = 9


def forward_operations(spec: PositionModelSpec, tasks: Iterable[str] | None = None) -> int:
    """Return the operations of one position's forward pass; with a backward pass it is thrice that.

    `tasks`: those that are computed, by default all of the model's.
    """
    names = spec.tasks if tasks is None else tasks
    trunk = _tower(spec) if spec.trunk == "tower" else _transformer(spec)
    heads = _policy(spec) + _value(spec) + sum(_task(spec, name) for name in names)
    return 2 * (trunk + heads)


def _tower(spec: PositionModelSpec) -> int:
    c, blocks, _, _ = spec.architecture
    features = _KERNEL * INPUT_PLANES * c + (1 + _KERNEL) * c * c
    block = _SQUARES * 2 * _KERNEL * c * c + 2 * c * squeezed_channels(c)
    attentions = blocks // spec.attention_every if spec.attention_every else 0
    return _SQUARES * features + blocks * block + attentions * _attention(c)


def _transformer(spec: PositionModelSpec) -> int:
    c, layers, _, d_ff = spec.architecture
    return _SQUARES * INPUT_PLANES * c + layers * (_attention(c) + _SQUARES * 3 * c * d_ff)


def _attention(c: int) -> int:
    return _SQUARES * 4 * c * c + 2 * _SQUARES * _SQUARES * c


def _policy(spec: PositionModelSpec) -> int:
    c, rank = spec.architecture.d_model, spec.policy_rank
    if not rank:
        return _SQUARES * (c * c + c * MOVE_PLANES)
    inputs = _SQUARES * DENSE_POLICY_CHANNELS
    return inputs * c + (inputs + POLICY_SIZE) * rank


def _value(spec: PositionModelSpec) -> int:
    c, kept = spec.architecture.d_model, value_channels(spec.architecture.d_model)
    outputs = 3 if spec.value_head == "wdl" else 1
    return _SQUARES * (c * kept + kept * kept + kept * 2 * c) + 3 * c * c + c * outputs


def _task(spec: PositionModelSpec, task: str) -> int:
    half = spec.architecture.d_model // 2
    return _SQUARES * half * (spec.architecture.d_model + position_task(task).outputs)

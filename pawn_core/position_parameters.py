"""How many parameters a model of positions has, from its form alone. Never imports torch.

The parts are those of `pawn_core.position_model`; c channels.
"""

from pawn_core.config import Architecture, MultitaskConfig
from pawn_core.config.position_tasks import position_task

_PLANES = 20
"""The engine's, and that of hidden squares."""
_SQUARES, _MOVE_PLANES, _MOVES = 64, 73, 4672
_DENSE_POLICY_CHANNELS = 64
_MOST_VALUE_CHANNELS = 128
_SQUEEZE_RATIO, _LEAST_SQUEEZED = 0.25, 8


def position_parameters(config: MultitaskConfig) -> int:
    """Return all parameters of a new model: trunk, policy, value and the tasks that are learned."""
    channels = config.architecture.d_model
    trunk = _tower(config) if config.trunk == "tower" else _transformer(config.architecture)
    tasks = sum(_task(channels, position_task(name).outputs) for name in config.task_weights)
    policy = _policy(channels, config.policy_rank or 0)
    return trunk + policy + _value(channels, 1 if config.value_head == "tanh" else 3) + tasks


def _unit(inputs: int, outputs: int, kernel: int) -> int:
    """Count a convolution without bias, and its norm."""
    return inputs * outputs * kernel**2 + 2 * outputs


def _linear(inputs: int, outputs: int) -> int:
    return inputs * outputs + outputs


def _tower(config: MultitaskConfig) -> int:
    c, blocks, heads, _ = config.architecture
    stem = _unit(_PLANES, c, 3) + c * _SQUARES + _unit(c, c, 1) + _unit(c, c, 3)
    squeezed = max(_LEAST_SQUEEZED, int(c * _SQUEEZE_RATIO))
    block = 2 * _unit(c, c, 3) + _linear(c, squeezed) + _linear(squeezed, c)
    attention = 2 * c + 4 * c**2 + heads * _SQUARES**2
    attending = blocks // config.attention_every if config.attention_every else 0
    return stem + blocks * block + attending * attention


def _transformer(architecture: Architecture) -> int:
    width, layers, _, d_ff = architecture
    block = 4 * width**2 + 3 * width * d_ff + 2 * width
    return _linear(_PLANES, width) + _SQUARES * width + layers * block + width


def _policy(c: int, rank: int) -> int:
    if not rank:
        return _unit(c, c, 1) + _linear(c, _MOVE_PLANES)
    flat = _SQUARES * _DENSE_POLICY_CHANNELS
    return _unit(c, _DENSE_POLICY_CHANNELS, 1) + _linear(flat, rank) + _linear(rank, _MOVES) + 1


def _value(c: int, outputs: int) -> int:
    kept = min(c // 2, _MOST_VALUE_CHANNELS)
    units = _unit(c, kept, 1) + _unit(kept, kept, 1)
    wide, narrow = _linear(_SQUARES * kept, 2 * c), _linear(2 * c, c)
    return units + wide + narrow + _linear(c, c) + _linear(c, outputs)


def _task(c: int, outputs: int) -> int:
    return _unit(c, c // 2, 1) + c // 2 * outputs + outputs

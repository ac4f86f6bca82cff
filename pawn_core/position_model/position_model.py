"""A model of positions: a trunk, and heads for policy, value and tasks.

Shapes: n positions, c channels, r ranks from the eighth to the first, f files, k outputs of a
square, a move indices.
"""

import hashlib
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

import torch
from torch import Tensor, nn

from pawn_core.config.position_tasks import position_task
from pawn_core.position_model.heads import VALUE_HEADS, TaskHead, policy_head
from pawn_core.position_model.inputs import input_planes, plane_scales
from pawn_core.position_model.spec import PositionModelSpec
from pawn_core.position_model.square_transformer import SquareTransformer
from pawn_core.position_model.tower import Tower

TRUNKS: Mapping[str, type[Tower] | type[SquareTransformer]] = MappingProxyType(
    {"tower": Tower, "transformer": SquareTransformer}
)

_SQUARES_STD = 0.1
_OUTPUT_GAIN = 0.1


class Outputs(NamedTuple):
    """What a model says of positions, all in float32."""

    policy: Tensor
    """Logits (n, 4672) of move indices, legal or not."""
    value: Tensor
    """(n,), -1 to 1, of the side to move."""
    wdl: Tensor | None
    """Logits (n, 3) of loss, draw and win; None of a model whose value is one number."""
    tasks: dict[str, Tensor]
    """Logits (n, k, 8, 8) of the tasks that were asked for."""


class PositionModel(nn.Module):
    """Say of positions which moves are good, who is better, and what tasks ask of each square.

    It has no dropout and no statistics of batches: what it says of a position depends on nothing
    else, in training too.
    """

    def __init__(self, spec: PositionModelSpec) -> None:
        super().__init__()
        self.spec = spec
        self.trunk = TRUNKS[spec.trunk](spec)
        self.policy = policy_head(spec)
        self.value = VALUE_HEADS[spec.value_head](spec.architecture.d_model)
        self.tasks = nn.ModuleDict({task: _task_head(spec, task) for task in spec.tasks})
        self.register_buffer("scales", plane_scales(), persistent=False)

    @property
    def blocks(self) -> nn.ModuleList:
        """The trunk's layers, in order."""
        return self.trunk.layers

    def forward(
        self,
        planes_ncrf: Tensor,
        hidden_nrf: Tensor | None = None,
        tasks: Iterable[str] | None = None,
    ) -> Outputs:
        """Return policy, value and tasks of the engine's planes, uint8 (n, 19, 8, 8).

        `hidden_nrf`: bool, squares whose pieces are not shown; None hides none. `tasks`: those to
        compute, by default all of the model's.
        """
        x_ncrf = self.squares(planes_ncrf, hidden_nrf)
        value_n, wdl_n3 = self.value(x_ncrf)
        return Outputs(
            self.policy(x_ncrf).float(), value_n, wdl_n3, self.task_logits(x_ncrf, tasks)
        )

    def squares(self, planes_ncrf: Tensor, hidden_nrf: Tensor | None = None) -> Tensor:
        """Return the channels of each square (n, c, 8, 8), which the heads read."""
        return self.trunk(input_planes(planes_ncrf, self.get_buffer("scales"), hidden_nrf))

    def task_logits(self, x_ncrf: Tensor, tasks: Iterable[str] | None = None) -> dict[str, Tensor]:
        """Return logits (n, k, 8, 8) of tasks, by default all of the model's."""
        names = self.spec.tasks if tasks is None else tasks
        return {task: self.tasks[task](x_ncrf) for task in names}

    def initialize(self, seed: int, heads: Iterable[str] | None = None) -> None:
        """Draw the weights; `heads`: only those of these heads.

        Each is drawn by its name: the trunks of models with different heads begin as the same.
        """
        prefixes = None if heads is None else tuple(map(head_prefix, heads))
        for name, parameter in self.named_parameters():
            if prefixes is None or name.startswith(prefixes):
                _draw(parameter, name, seed)


def _task_head(spec: PositionModelSpec, task: str) -> TaskHead:
    return TaskHead(spec.architecture.d_model, position_task(task))


def head_prefix(head: str) -> str:
    """Return what the names of a head's tensors begin with; heads: policy, value and tasks."""
    return f"{head}." if head in ("policy", "value") else f"tasks.{head}."


@torch.no_grad()
def _draw(parameter: Tensor, name: str, seed: int) -> None:
    """Give a parameter its first value: He et al. (2015) for matrices and kernels.

    Outputs begin small, squares as Matrix0's, biases at 0; norms, scales and rates stay as made.
    """
    if name.endswith("bias"):
        parameter.zero_()
    elif parameter.dim() > 1:
        digest = hashlib.sha256(f"{seed} {name}".encode()).digest()
        generator = torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)
        values = torch.empty(parameter.shape).normal_(generator=generator)
        parameter.copy_(values * _deviation(parameter, name))


def _deviation(parameter: Tensor, name: str) -> float:
    if name.endswith("squares"):
        return _SQUARES_STD
    spread = (2 / parameter[0].numel()) ** 0.5
    return _OUTPUT_GAIN * spread if name.endswith("out.weight") else spread

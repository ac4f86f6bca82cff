"""The heads: channels of each square to policy, value and what each task asks.

Shapes: n positions, c channels, r ranks, f files, k outputs of a square, a move indices.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import torch
from chess_engine import POLICY_SIZE
from torch import Tensor, nn
from torch.nn import functional as F

from pawn_core.config.position_tasks import PositionTask
from pawn_core.position_model.parts import Unit
from pawn_core.position_model.spec import PositionModelSpec

MOVE_PLANES = POLICY_SIZE // 64
"""Kinds of moves from a square."""
DENSE_POLICY_CHANNELS = 64
MOST_VALUE_CHANNELS = 128
FIRST_SCALE, MOST_SCALE = 0.2, 5.0
"""Of a dense head's logits."""


class PlanesPolicy(nn.Module):
    """Each square's 73 kinds of moves from its own channels (Silver et al., 2018)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.unit = Unit(channels, channels, kernel=1)
        self.out = nn.Conv2d(channels, MOVE_PLANES, 1)

    def forward(self, x_ncrf: Tensor) -> Tensor:
        """Return logits (n, 4672): of square a1 first, though the grid begins with rank 8."""
        moves_nkrf = self.out(self.unit(x_ncrf))
        return moves_nkrf.flip(2).permute(0, 2, 3, 1).flatten(1)


class DensePolicy(nn.Module):
    """Moves from the whole board through a matrix of low rank, scaled by one learned number."""

    def __init__(self, channels: int, rank: int) -> None:
        super().__init__()
        self.unit = Unit(channels, DENSE_POLICY_CHANNELS, kernel=1)
        self.reduce = nn.Linear(64 * DENSE_POLICY_CHANNELS, rank)
        self.expand = nn.Linear(rank, POLICY_SIZE)
        self.scale = nn.Parameter(torch.tensor(FIRST_SCALE).expm1().log())

    def forward(self, x_ncrf: Tensor) -> Tensor:
        """Return logits (n, 4672)."""
        logits_na = self.expand(F.relu(self.reduce(self.unit(x_ncrf).flatten(1))))
        return logits_na.float() * F.softplus(self.scale).clamp(max=MOST_SCALE)


def policy_head(spec: PositionModelSpec) -> PlanesPolicy | DensePolicy:
    """Return the policy head of a spec."""
    channels = spec.architecture.d_model
    return DensePolicy(channels, spec.policy_rank) if spec.policy_rank else PlanesPolicy(channels)


class Value(NamedTuple):
    """What a value head says of the side to move."""

    value_n: Tensor
    """float32, -1 to 1: what it expects."""
    wdl_n3: Tensor | None
    """float32 logits of loss, draw and win; None of a head that has one number."""


class ValueTrunk(nn.Module):
    """The whole board to some numbers, gated by themselves."""

    def __init__(self, channels: int, outputs: int) -> None:
        super().__init__()
        kept = value_channels(channels)
        self.units = nn.Sequential(Unit(channels, kept, kernel=1), Unit(kept, kept, kernel=1))
        self.wide = nn.Linear(64 * kept, 2 * channels)
        self.narrow = nn.Linear(2 * channels, channels)
        self.gate = nn.Linear(channels, channels)
        self.out = nn.Linear(channels, outputs)

    def forward(self, x_ncrf: Tensor) -> Tensor:
        """Return float32 (n, outputs)."""
        x_nc = F.silu(self.wide(self.units(x_ncrf).flatten(1)))
        x_nc = F.silu(self.narrow(x_nc))
        return self.out(x_nc * torch.sigmoid(self.gate(x_nc))).float()


def value_channels(channels: int) -> int:
    """Return the channels of a square that the value head keeps."""
    return min(channels // 2, MOST_VALUE_CHANNELS)


class TanhValue(nn.Module):
    """One number."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.trunk = ValueTrunk(channels, outputs=1)

    def forward(self, x_ncrf: Tensor) -> Value:
        """Return the value."""
        return Value(torch.tanh(self.trunk(x_ncrf)[:, 0]), None)


class WinDrawLossValue(nn.Module):
    """Chances of loss, draw and win; the value is that of a win less that of a loss."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.trunk = ValueTrunk(channels, outputs=3)

    def forward(self, x_ncrf: Tensor) -> Value:
        """Return the value with its logits."""
        wdl_n3 = self.trunk(x_ncrf)
        chances_n3 = wdl_n3.softmax(dim=-1)
        return Value(chances_n3[:, 2] - chances_n3[:, 0], wdl_n3)


VALUE_HEADS: Mapping[str, type[TanhValue] | type[WinDrawLossValue]] = MappingProxyType(
    {"tanh": TanhValue, "wdl": WinDrawLossValue}
)


class TaskHead(nn.Module):
    """What a task asks of each square, from its channels; a new one says the usual rates."""

    def __init__(self, channels: int, task: PositionTask) -> None:
        super().__init__()
        self.unit = Unit(channels, channels // 2, kernel=1)
        self.out = nn.Conv2d(channels // 2, task.outputs, 1, bias=False)
        rates = torch.tensor(task.rates)
        self.base = nn.Parameter(rates.logit() if task.law == "binary" else rates.log())

    def forward(self, x_ncrf: Tensor) -> Tensor:
        """Return float32 logits (n, k, 8, 8)."""
        return self.out(self.unit(x_ncrf)).float() + self.base[:, None, None]

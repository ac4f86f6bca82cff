"""Batches of labelled positions that no engine has seen: whatever numbers a test wants."""

from collections.abc import Sequence

import torch
from torch import Tensor

from pawn_core.config.position_tasks import POSITION_TASKS
from pawn_core.position_model import Outputs
from pawn_core.positions import PositionBatch

MOVES = 4672


def batch_of(
    legal: Sequence[Sequence[int]],
    policies: Sequence[dict[int, float]] | None = None,
    values: Sequence[float] | None = None,
    *,
    sources: Sequence[int] | None = None,
    games: Sequence[int] | None = None,
    targets: dict[str, Tensor] | None = None,
    piece_mask: Tensor | None = None,
) -> PositionBatch:
    """Return positions with these legal moves and labels; without ones: unlabelled, 0, empty."""
    count = len(legal)
    games = games or list(range(count))
    policies = policies or [{}] * count
    return PositionBatch(
        planes=torch.zeros(count, 19, 8, 8, dtype=torch.uint8),
        legal_rows=_rows(legal),
        legal_indices=torch.tensor([move for moves in legal for move in moves], dtype=torch.int64),
        policy_rows=_rows(policies),
        policy_indices=torch.tensor([m for label in policies for m in label], dtype=torch.int64),
        policy_probs=torch.tensor([p for label in policies for p in label.values()]).float(),
        value_n=torch.tensor(values or [float("nan")] * count),
        source_n=torch.tensor(sources or [0] * count),
        game_n=torch.tensor(games),
        targets=targets or {},
        piece_mask=torch.zeros(count, 8, 8).bool() if piece_mask is None else piece_mask,
        counts={},
        games=len({*games}),
    )


def outputs_of(batch: PositionBatch, seed: int = 0, **tasks: Tensor) -> Outputs:
    """Return what a model might say of a batch, at random but for what a test says of tasks."""
    generator = torch.Generator().manual_seed(seed)
    policy = torch.randn(batch.units, MOVES, generator=generator)
    value_n = torch.rand(batch.units, generator=generator) * 2 - 1
    return Outputs(policy, value_n, None, tasks)


def random_targets(count: int, seed: int) -> dict[str, Tensor]:
    """Return targets of every task, of king_safety with squares that are ignored."""
    generator = torch.Generator().manual_seed(seed)
    targets = {}
    for task in POSITION_TASKS:
        shape = (count, task.outputs, 8, 8) if task.name == "pawn_structure" else (count, 8, 8)
        most = task.outputs if task.law == "classes" else 2
        targets[task.name] = torch.randint(most, shape, generator=generator).to(torch.uint8)
    ignored = torch.rand(count, 8, 8, generator=generator) < 0.9
    targets["king_safety"][ignored] = 255
    return targets


def _rows(lists: Sequence) -> Tensor:
    return torch.tensor([row for row, items in enumerate(lists) for _ in items], dtype=torch.int64)

"""What a position model says of labelled positions, kept so that figures and intervals follow.

Shapes: n positions, g games, c columns, m squares.
"""

from collections.abc import Mapping, Sequence
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pawn_core.multitask.average_precision import Ranking
from pawn_core.multitask.columns import columns_of
from pawn_core.multitask.figures import values_of
from pawn_core.position_model import Outputs
from pawn_core.positions import PositionBatch

RANKED_TASKS = ("threat", "pin", "fork")
"""Tasks of yes or no, of which average precision is told."""
BY_SOURCE = ("val_loss", "policy_loss", "policy_top1", "value_mse")
"""Figures that `MultitaskTally.metrics` tells of each source too."""

_SOURCE, _GAME, _COLUMN = "source", "game", "column."
_SCORE, _LABEL = "score.", "label."


class MultitaskTally:
    """The positions so far, in any order and in batches of any size."""

    def __init__(self, sources: Sequence[str]) -> None:
        """Begin with none; `source_n` of a batch is an index into the sources."""
        self.sources = tuple(sources)
        self._parts: list[dict[str, Tensor]] = []

    def add(self, outputs: Outputs, batch: PositionBatch) -> None:
        """Add what the model says of a batch; `piece` as it says it behind the batch's mask."""
        part = {_SOURCE: batch.source_n, _GAME: batch.game_n}
        part |= {_COLUMN + name: column for name, column in columns_of(outputs, batch).items()}
        for task in RANKED_TASKS:
            if task in outputs.tasks:
                part[_SCORE + task] = outputs.tasks[task].float().flatten(1)
                part[_LABEL + task] = batch.targets[task].flatten(1) == 1
        self._parts.append({name: tensor.detach().cpu() for name, tensor in part.items()})

    def join(self, other: "MultitaskTally") -> None:
        """Add the positions of another tally of the same sources."""
        self._parts.extend(other._parts)

    def __len__(self) -> int:
        return sum(len(part[_GAME]) for part in self._parts)

    def state(self) -> dict[str, Tensor]:
        """Return the positions so far; CPU tensors by names of their own."""
        if len(self._parts) > 1:
            names = self._parts[0]
            self._parts = [{name: torch.cat([p[name] for p in self._parts]) for name in names}]
        return dict(self._parts[0]) if self._parts else {}

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Go on from the positions of `state`."""
        self._parts = [{name: tensor.clone() for name, tensor in tensors.items()}]

    def of_source(self, source: str) -> Self:
        """Return the positions of a source."""
        tensors = self.state()
        part = type(self)(self.sources)
        if tensors:
            chosen_n = tensors[_SOURCE] == self.sources.index(source)
            part.restore({name: tensor[chosen_n] for name, tensor in tensors.items()})
        return part

    def metrics(self) -> dict[str, float | None]:
        """Return every figure (`pawn_core.multitask.figures`), None where it has no positions.

        `task_ap` is the average precision of yes or no (`Ranking`). Figures of `BY_SOURCE` are told
        of each source too, as `policy_loss_stockfish_openings`, where there are several.
        """
        metrics = self._values()
        metrics |= {f"{task}_ap": r.average_precision() for task, r in self.rankings().items()}
        if len(self.sources) > 1:
            for source in self.sources:
                of_source, suffix = self.of_source(source)._values(), source.replace(":", "_")
                metrics |= {f"{name}_{suffix}": of_source[name] for name in BY_SOURCE}
        return {name: None if np.isnan(value) else value for name, value in metrics.items()}

    def _values(self) -> dict[str, float]:
        names, sums_gc, _ = self.game_sums()
        values = values_of(dict(zip(names, sums_gc.sum(axis=0, keepdims=True).T, strict=True)))
        return {name: float(value[0]) for name, value in values.items()}

    def game_sums(self) -> tuple[list[str], NDArray[np.float64], NDArray[np.int64]]:
        """Return the columns' names, the sums of each game (g, c), and each position's game (n,).

        Games are numbered from 0 on, in no order that says anything.
        """
        tensors = self.state()
        names = [name for name in tensors if name.startswith(_COLUMN)]
        if not names:
            raise ValueError("no position has been measured")
        columns_nc = torch.stack([tensors[name] for name in names], dim=1).double().numpy()
        games, games_n = np.unique(tensors[_GAME].numpy(), return_inverse=True)
        sums_gc = np.zeros((len(games), len(names)))
        np.add.at(sums_gc, games_n, columns_nc)
        return [name.removeprefix(_COLUMN) for name in names], sums_gc, games_n

    def rankings(self) -> dict[str, Ranking]:
        """Return the squares of each task of yes or no, ranked by what the model says."""
        tensors = self.state()
        _, _, games_n = self.game_sums()
        owner_m = np.repeat(games_n, 64)
        return {
            task: Ranking.of(
                tensors[_SCORE + task].flatten().numpy(),
                tensors[_LABEL + task].flatten().numpy(),
                owner_m,
            )
            for task in RANKED_TASKS
            if _SCORE + task in tensors
        }

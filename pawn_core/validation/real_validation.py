"""Evaluate a model on the real games that it does not learn from.

Shapes: g games, f phases, n predicted moves, m sums.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pawn_core.data.real_source import RealSource
from pawn_core.data.sequences import Batch
from pawn_core.runtime import Runtime
from pawn_core.signals import StopFlag
from pawn_core.validation.positions import NextTokens, move_tokens
from pawn_core.validation.real_moves import move_terms, sums_by_phase, validation_metrics

LogitsOf = Callable[[Batch], Tensor]
"""Logits (n, v) at a batch's supervised positions."""


@dataclass(frozen=True)
class RealValidation:
    """Real games for validation, the same ones at each evaluation."""

    source: RealSource
    batch_games: int
    width: int | None
    """Tokens of a row; None: as many as a batch's longest game needs."""
    elo_band: int
    stop: StopFlag

    @torch.no_grad()
    def evaluate(self, logits_of: LogitsOf, runtime: Runtime) -> dict[str, Any]:
        """Return all metrics (see `validation_metrics`).

        Raises:
            Interrupted: the run was asked to stop.
        """
        parts = []
        for first in range(0, len(self.source.games), self.batch_games):
            self.stop.check()
            last = min(first + self.batch_games, len(self.source.games))
            parts.append(self._measured(np.arange(first, last), logits_of, runtime))
        sums_gfm, elos_g = (np.concatenate(columns) for columns in zip(*parts, strict=True))
        return validation_metrics(sums_gfm, elos_g, self.elo_band)

    def _measured(
        self, games: np.ndarray, logits_of: LogitsOf, runtime: Runtime
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the sums of some games by phase (g, f, m), and their Elos (g,)."""
        recorded, legal, elos_g = self.source.take(games)
        batch = recorded.batch(legal, self.source.vocabulary.pad, self.width)
        with runtime.autocast():
            logits_nv = logits_of(batch.to(runtime.device))
        sets = NextTokens(legal.offsets, legal.values).take(recorded.rows_n(recorded.lengths_b))
        is_move_v = move_tokens(self.source.vocabulary)
        terms_nm = move_terms(logits_nv, sets, recorded.targets_n, is_move_v)
        return sums_by_phase(terms_nm, recorded).numpy(), elos_g

"""Evaluate a model on the validation games.

Shapes: b batch, t time, n supervised positions, c positions of a chunk, v vocabulary, e entries.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from chess_engine import TrainingBatch
from numpy.typing import NDArray
from torch import Tensor

from pawn_core.config import PretrainConfig
from pawn_core.data.distribution import LegalSets, distribution_is_known, legal_sets
from pawn_core.data.games import GameSource, validation_games, vocabulary_of
from pawn_core.data.sequences import Batch
from pawn_core.evaluation.metrics import LegalitySums, PositionSums
from pawn_core.runtime import Runtime
from pawn_core.signals import StopFlag

LogitsAt = Callable[[Tensor, Tensor], Tensor]
"""Logits (n, v) of tokens (b, t) at flat positions (n,)."""

_CHUNK_POSITIONS = 4096  # bounds the log-probabilities in memory: 32 MB for 1,980 tokens


class Scores(NamedTuple):
    """A batch's sums over positions, and the likeliest token at each."""

    loss: float
    top1: int
    top5: int
    kl: float
    predicted_n: NDArray[np.int64]


@dataclass(frozen=True)
class ValidationSet:
    """Validation games, replayed from their seed at each evaluation."""

    source: GameSource
    games: int
    batch_games: int
    vocabulary_size: int
    width: int | None
    late_ply: int
    distribution_known: bool
    stop: StopFlag

    @classmethod
    def of(
        cls, config: PretrainConfig, batch_games: int, width: int | None, stop: StopFlag
    ) -> "ValidationSet":
        """Return the config's validation games, in batches of `batch_games`."""
        assert config.max_seq_len is not None
        vocabulary = vocabulary_of(config)
        return cls(
            source=validation_games(config, torch.get_num_threads()),
            games=config.val_games,
            batch_games=batch_games,
            vocabulary_size=vocabulary.size,
            width=width,
            late_ply=config.max_seq_len // 2,
            distribution_known=distribution_is_known(config),
            stop=stop,
        )

    @torch.no_grad()
    def evaluate(self, logits_at: LogitsAt, runtime: Runtime) -> dict[str, Any]:
        """Return all metrics (see `PositionSums.metrics`, `LegalitySums.metrics`).

        Raises:
            Interrupted: the run was asked to stop.
        """
        positions, legality = PositionSums(), LegalitySums(self.late_ply)
        for sequences in self._batches():
            sets, batch = legal_sets(sequences), Batch.of(sequences)
            with runtime.autocast():
                device_batch = batch.to(runtime.device)
                logits_nv = logits_at(device_batch.tokens_bt, device_batch.positions_n)
            scores = score(logits_nv, device_batch.targets_n, sets)
            _add(positions, scores, sets)
            legal_n = sets.contain(scores.predicted_n, self.vocabulary_size)
            legality.add(sets, legal_n, sequences.lengths)
        return {
            **positions.metrics(distribution_known=self.distribution_known),
            **legality.metrics(),
            "positions": positions.positions,
            "games": legality.games,
        }

    def _batches(self) -> Iterator[TrainingBatch]:
        for first in range(0, self.games, self.batch_games):
            self.stop.check()
            count = min(self.batch_games, self.games - first)
            yield self.source.sequences(first, count, width=self.width, legal_moves=True)


def score(logits_nv: Tensor, targets_n: Tensor, sets: LegalSets) -> Scores:
    """Compare logits with the targets and with the exact distribution, in float32."""
    entry_of = np.append(sets.starts_n, len(sets.tokens_e))
    sums = torch.zeros(4, dtype=torch.float64, device=logits_nv.device)
    predicted = []
    for begin in range(0, len(targets_n), _CHUNK_POSITIONS):
        end = min(begin + _CHUNK_POSITIONS, len(targets_n))
        log_p_cv = logits_nv[begin:end].float().log_softmax(dim=1)
        entries = slice(entry_of[begin], entry_of[end])
        kl = _kl_sum(log_p_cv, sets, begin, entries)
        chunk, best = _target_sums(log_p_cv, targets_n[begin:end])
        sums += torch.cat((chunk, kl[None]))
        predicted.append(best)
    loss, top1, top5, kl_sum = sums.tolist()
    return Scores(loss, int(top1), int(top5), kl_sum, torch.cat(predicted).cpu().numpy())


def _target_sums(log_p_cv: Tensor, targets_c: Tensor) -> tuple[Tensor, Tensor]:
    """Return loss, top-1 and top-5 sums as float64 (3,), and the likeliest tokens."""
    best_c5 = log_p_cv.topk(5, dim=1).indices
    hit_c5 = best_c5 == targets_c[:, None]
    loss = -log_p_cv.gather(1, targets_c[:, None]).double().sum()
    return torch.stack((loss, hit_c5[:, 0].sum(), hit_c5.sum())), best_c5[:, 0]


def _kl_sum(log_p_cv: Tensor, sets: LegalSets, begin: int, entries: slice) -> Tensor:
    """Return the sum over a chunk's positions of KL(q || p) = sum q (log q - log p), in float64."""
    device = log_p_cv.device
    rows = torch.from_numpy(sets.positions_e[entries] - begin).to(device)
    tokens = torch.from_numpy(sets.tokens_e[entries]).to(device).long()
    q = torch.from_numpy(sets.probabilities_e[entries]).to(device)
    log_p = log_p_cv[rows, tokens].double()
    return (torch.xlogy(q, q) - torch.where(q > 0, q * log_p, 0.0)).sum()


def _add(positions: PositionSums, scores: Scores, sets: LegalSets) -> None:
    positions.positions += len(scores.predicted_n)
    positions.loss += scores.loss
    positions.top1 += scores.top1
    positions.top5 += scores.top5
    positions.kl += scores.kl
    positions.top1_bound += float(sets.top1_bound().sum())
    positions.loss_floor += float(sets.entropy().sum())

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
from pawn_core.runtime import Runtime
from pawn_core.signals import StopFlag
from pawn_core.validation.sums import LegalitySums, PositionSums

LogitsAt = Callable[[Tensor, Tensor], Tensor]
"""Logits (n, v) of tokens (b, t) at flat positions (n,)."""

_CHUNK_POSITIONS = 4096  # bounds the log-probabilities in memory: 32 MB for 1,980 tokens


class PositionScores(NamedTuple):
    """What each position of a batch comes to, float64 (n,), and the likeliest token there."""

    loss_n: NDArray[np.float64]
    """Cross-entropy of the target, nats."""
    top1_n: NDArray[np.float64]
    top5_n: NDArray[np.float64]
    """1 where the target is the likeliest, or among the five likeliest."""
    kl_n: NDArray[np.float64]
    """KL(q || p) of the prediction p to the exact distribution q, nats."""
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
            distribution_known=distribution_is_known(
                prepend_outcome=bool(config.prepend_outcome),
                discard_ply_limit=config.discard_ply_limit,
            ),
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


def score(logits_nv: Tensor, targets_n: Tensor, sets: LegalSets) -> PositionScores:
    """Compare logits with the targets and with the exact distribution, in float32."""
    entry_of = np.append(sets.starts_n, len(sets.tokens_e))
    chunks = []
    for begin in range(0, len(targets_n), _CHUNK_POSITIONS):
        end = min(begin + _CHUNK_POSITIONS, len(targets_n))
        log_p_cv = logits_nv[begin:end].float().log_softmax(dim=1)
        entries = slice(entry_of[begin], entry_of[end])
        kl_c = _kl(log_p_cv, sets, begin, entries)
        chunks.append((*_against_targets(log_p_cv, targets_n[begin:end]), kl_c))
    loss, best_n5, hits_n5, kl = (torch.cat(parts).cpu() for parts in zip(*chunks, strict=True))
    hits_n5 = hits_n5.double().numpy()
    return PositionScores(
        loss.numpy(), hits_n5[:, 0], hits_n5.sum(axis=1), kl.numpy(), best_n5[:, 0].numpy()
    )


def _against_targets(log_p_cv: Tensor, targets_c: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return float64 losses (c,), the likeliest tokens (c, 5), and which of those is the target."""
    best_c5 = log_p_cv.topk(5, dim=1).indices
    loss_c = -log_p_cv.gather(1, targets_c[:, None]).double()[:, 0]
    return loss_c, best_c5, best_c5 == targets_c[:, None]


def _kl(log_p_cv: Tensor, sets: LegalSets, begin: int, entries: slice) -> Tensor:
    """Return KL(q || p) = sum q (log q - log p) at each of a chunk's positions, float64 (c,)."""
    device = log_p_cv.device
    rows_e = torch.from_numpy(sets.positions_e[entries] - begin).to(device)
    tokens_e = torch.from_numpy(sets.tokens_e[entries]).to(device).long()
    q_e = torch.from_numpy(sets.probabilities_e[entries]).to(device)
    log_p_e = log_p_cv[rows_e, tokens_e].double()
    terms_e = torch.xlogy(q_e, q_e) - torch.where(q_e > 0, q_e * log_p_e, 0.0)
    return terms_e.new_zeros(len(log_p_cv)).index_add(0, rows_e, terms_e)


def _add(positions: PositionSums, scores: PositionScores, sets: LegalSets) -> None:
    positions.positions += len(scores.predicted_n)
    positions.loss += float(scores.loss_n.sum())
    positions.top1 += int(scores.top1_n.sum())
    positions.top5 += int(scores.top5_n.sum())
    positions.kl += float(scores.kl_n.sum())
    positions.top1_bound += float(sets.top1_bound().sum())
    positions.loss_floor += float(sets.entropy().sum())

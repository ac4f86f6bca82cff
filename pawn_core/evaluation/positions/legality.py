"""Legality and accuracy on fresh random games: the headline of a model card.

The model is shown the true history at every ply, so that one illegal prediction does not bear on
the next. Shapes: n supervised positions, g games, s sides, c columns, p plies.
"""

import numpy as np
import torch
from chess_engine import TrainingBatch
from numpy.typing import NDArray
from torch import Tensor

from pawn_core.data.distribution import LegalSets, distribution_is_known, legal_sets
from pawn_core.data.sequences import Batch
from pawn_core.evaluation.evaluation import Context, Evaluation
from pawn_core.evaluation.positions.game_sums import GameSums, card_tables
from pawn_core.evaluation.report import Report, Table
from pawn_core.validation.sums import plies_completed
from pawn_core.validation.validation_set import PositionScores, score

DEFINITION = (
    "Next tokens of fresh random games, the true history shown at every ply; a move is predicted "
    "by the likeliest token. Intervals are bootstraps over games."
)
_BY_PLY = ("moves", "legal", "top1", "top1_bound", "kl")
_PLIES_A_ROW = 32
_MOST_PLIES = 1024


class Legality(Evaluation):
    """Sums of each game, from which values and intervals follow."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._source = context.fresh_games
        self._late_ply = context.spec.max_seq_len // 2
        self._games: list[NDArray[np.float64]] = []
        self._plies_cp = np.zeros((len(_BY_PLY), _MOST_PLIES + 1))

    @torch.no_grad()
    def run(self, shard: int) -> None:
        """Add the shard's games."""
        self._context.stop.check()
        first, count = self._context.games_of(shard)
        sequences = self._source.sequences(first, count, legal_moves=True)
        sets, batch = legal_sets(sequences), Batch.of(sequences).to(self._context.runtime.device)
        with self._context.runtime.autocast():
            logits_nv = self._context.model.forward_at(batch.tokens_bt, batch.positions_n)
        scores = score(logits_nv, batch.targets_n, sets)
        self._add(sequences, sets, scores)

    def state(self) -> dict[str, Tensor]:
        """Return the columns of every game so far, and the sums by ply."""
        games_cg = np.concatenate(self._games, axis=1)
        return {"games": torch.from_numpy(games_cg), "plies": torch.from_numpy(self._plies_cp)}

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Go on after those games."""
        self._games = [tensors["games"].numpy()]
        self._plies_cp = tensors["plies"].numpy()

    def report(self) -> Report:
        """Return the tables of the model card and the figures in them."""
        games = GameSums(np.concatenate(self._games, axis=1))
        known = distribution_is_known(
            prepend_outcome=self._context.spec.prepend_outcome,
            discard_ply_limit=self._context.config.discard_ply_limit,
        )
        figures = tuple(games.figures(known, self._late_ply))
        tables = (*card_tables(figures), self._by_ply(known))
        return Report("legality", DEFINITION, figures, tables, self._facts(games, known))

    def _add(self, sequences: TrainingBatch, sets: LegalSets, scores: PositionScores) -> None:
        legal_n = sets.contain(scores.predicted_n, self._context.vocabulary.size)
        move_n, lengths_g = sets.is_move_n, sequences.lengths
        late_n = move_n & (sets.plies_n >= self._late_ply)
        bound_n, floor_n = sets.top1_bound(), sets.entropy()
        columns = [
            *(np.ones(len(move_n)), scores.loss_n, scores.top1_n, scores.top5_n, scores.kl_n),
            *(bound_n, floor_n, move_n, move_n & legal_n, late_n, late_n & legal_n),
        ]
        sums = [np.bincount(sets.games_n, column, len(lengths_g)) for column in columns]
        sides_gs = plies_completed(sets, move_n & ~legal_n, lengths_g)
        self._games.append(np.stack([*sums, *sides_gs.T, lengths_g]).astype(np.float64))
        for row, column in enumerate(
            (legal_n | True, legal_n, scores.top1_n, bound_n, scores.kl_n)
        ):
            weights = np.where(move_n, column, 0.0)
            self._plies_cp[row] += np.bincount(sets.plies_n, weights, _MOST_PLIES + 1)

    def _by_ply(self, known: bool) -> Table:
        """Return rates by ply, a row for so many plies; ends of games do not count."""
        rows = []
        for begin in range(0, _MOST_PLIES, _PLIES_A_ROW):
            moves, *sums = self._plies_cp[:, begin : begin + _PLIES_A_ROW].sum(axis=1).tolist()
            if moves:
                legal, top1, bound, kl = (total / moves for total in sums)
                law = (bound, kl) if known else (None, None)
                rows.append((begin, begin + _PLIES_A_ROW - 1, int(moves), legal, top1, *law))
        columns = ("from_ply", "to_ply", "moves", "legal_rate", "top1", "top1_bound", "kl")
        return Table("By ply", columns, tuple(rows))

    def _facts(self, games: GameSums, known: bool) -> dict[str, object]:
        config, spec = self._context.config, self._context.spec
        return {
            "games": games.count,
            "positions": int(games.total("positions")),
            "moves": int(games.total("moves")),
            "games_seed": config.games_seed,
            "max_ply": self._context.max_ply,
            "mate_boost": config.mate_boost,
            "discard_ply_limit": config.discard_ply_limit,
            "vocabulary": spec.vocabulary,
            "prepend_outcome": spec.prepend_outcome,
            "late_ply": self._late_ply,
            "distribution_known": known,
            "selected_on": config.games_seed == self._context.trained_by.get("val_seed"),
        }

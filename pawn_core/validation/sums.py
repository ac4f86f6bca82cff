"""The definitions of every evaluation metric, as sums that batches add to.

Rates and losses are weighted by position, never means of batch means. A side of a game means all
plies of White, or all plies of Black.
"""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pawn_core.data.distribution import LegalSets


@dataclass
class PositionSums:
    """Sums over supervised positions, the PAD that ends each game among them."""

    positions: int = 0
    loss: float = 0.0
    top1: int = 0
    top5: int = 0
    kl: float = 0.0
    top1_bound: float = 0.0
    loss_floor: float = 0.0

    def metrics(self, *, distribution_known: bool) -> dict[str, float | None]:
        """Return the metrics over supervised positions.

        val_loss: mean cross-entropy of the next token, nats.
        perplexity: exp(val_loss).
        top1, top5: share of positions whose next token is the likeliest, among the five likeliest.
        kl: mean KL(q || p) of the model p to the true distribution q, nats; 0 for a perfect model.
        top1_bound: mean of max q, the top-1 that a perfect model expects on these positions.
        loss_floor: mean entropy of q, the loss that a perfect model expects on these positions.
        The last three are null where q is not known.
        """
        n = max(self.positions, 1)
        exact = {
            "kl": self.kl,
            "top1_bound": self.top1_bound,
            "loss_floor": self.loss_floor,
        }
        loss = self.loss / n
        return {
            "val_loss": loss,
            "perplexity": math.exp(min(loss, 700.0)),
            "top1": self.top1 / n,
            "top5": self.top5 / n,
            **{name: total / n if distribution_known else None for name, total in exact.items()},
        }


@dataclass
class LegalitySums:
    """Legality of the likeliest token wherever a move is due; the true history is always shown."""

    late_ply: int
    moves: int = 0
    legal: int = 0
    late_moves: int = 0
    late_legal: int = 0
    games: int = 0
    completed_games: int = 0
    sides: int = 0
    plies_completed: int = 0
    forfeit_plies: list[int] = field(default_factory=list)

    def add(self, sets: LegalSets, legal_n: NDArray[np.bool_], lengths_b: NDArray[Any]) -> None:
        """Add one batch: whether each position's likeliest token is in its legal set."""
        move, late = sets.is_move_n, sets.is_move_n & (sets.plies_n >= self.late_ply)
        self.moves += int(move.sum())
        self.legal += int(legal_n[move].sum())
        self.late_moves += int(late.sum())
        self.late_legal += int(legal_n[late].sum())
        self.add_games(plies_completed(sets, move & ~legal_n, lengths_b), lengths_b)

    def metrics(self) -> dict[str, float | None]:
        """Return the legality metrics.

        legal_rate: share of predicted moves that are legal, as full moves with the promotion piece;
            PAD or an outcome token where a move is due is illegal. Ends of games do not count.
        late_legal_rate: the same over plies from max_seq_len / 2 on; null where there are none.
        game_completion: share of (game, side) pairs without an illegal prediction at any ply of
            that side (model card of PAWN-Base: "every prediction along one side's plies").
        game_completion_both: share of games without an illegal prediction at any ply.
        mean_plies_completed: mean over (game, side) of the plies before that side's first illegal
            prediction, of the whole game where there is none.
        forfeit_ply_min, _median, _max: 0-based ply of that first illegal prediction, over the
            (game, side) pairs that have one; null where none has.
        In the pure layout ply 0 is not predicted and counts as completed.
        """
        plies = self.forfeit_plies
        return {
            "legal_rate": _share(self.legal, self.moves),
            "late_legal_rate": _share(self.late_legal, self.late_moves),
            "game_completion": _share(self.sides - len(plies), self.sides),
            "game_completion_both": _share(self.completed_games, self.games),
            "mean_plies_completed": _share(self.plies_completed, self.sides),
            "forfeit_ply_min": min(plies, default=None),
            "forfeit_ply_median": float(np.median(plies)) if plies else None,
            "forfeit_ply_max": max(plies, default=None),
        }

    def add_games(self, completed_bs: NDArray[np.int64], lengths_b: NDArray[Any]) -> None:
        """Add games by what `plies_completed` says of each side."""
        forfeited = completed_bs < lengths_b[:, None]
        self.games += len(lengths_b)
        self.completed_games += int((~forfeited.any(axis=1)).sum())
        self.sides += forfeited.size
        self.plies_completed += int(completed_bs.sum())
        self.forfeit_plies.extend(completed_bs[forfeited].tolist())


def plies_completed(
    sets: LegalSets, illegal_n: NDArray[np.bool_], lengths_b: NDArray[Any]
) -> NDArray[np.int64]:
    """Return the ply of each side's first illegal prediction, or the game's length, (b, 2)."""
    completed_bs = np.repeat(lengths_b.astype(np.int64)[:, None], 2, axis=1)
    plies = sets.plies_n[illegal_n]
    np.minimum.at(completed_bs, (sets.games_n[illegal_n], plies % 2), plies)
    return completed_bs


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None

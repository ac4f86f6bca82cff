"""What a model that was trained with the outcome in front predicts from the moves alone.

Its predictions under each outcome o are weighed by P(o | moves so far), which by Bayes' rule is its
prior times the model's own likelihood of those moves under o. The prior is how often games of the
kind that it was trained on end so.

Shapes: o outcomes, n predicted moves of a game, from ply 0 on, v vocabulary.
"""

from typing import Any

import chess_engine
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pawn_core.data.recorded import RecordedGames
from pawn_core.evaluation.evaluation import Context

_PRIOR_GAMES = 20_000
_PRIOR_SEED = 4_000_000_007
_OUTCOMES = 5  # that games of random play have, in both vocabularies


class MarginalModel:
    """Predicts moves from moves, by a model that expects an outcome before them."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._outcomes_o = np.array(list(context.vocabulary.outcomes.values())[:_OUTCOMES])
        self.prior_o = self._prior()
        """Probability of each outcome before the first move."""

    @torch.no_grad()
    def log_probabilities(self, tokens_p: NDArray[np.int16]) -> Tensor:
        """Return log P(token | moves before) at plies 0, 1, .. of one game, float64 (n, v)."""
        log_p_onv = self._under_each_outcome(tokens_p)
        played_n = torch.from_numpy(tokens_p.astype(np.int64)).to(log_p_onv.device)
        played_on = log_p_onv.gather(2, played_n.expand(_OUTCOMES, -1)[:, :, None])[:, :, 0]
        before_on = torch.cat((torch.zeros_like(played_on[:, :1]), played_on[:, :-1]), dim=1)
        prior_o1 = torch.from_numpy(self.prior_o).to(log_p_onv.device).log()[:, None]
        weights_on = (prior_o1 + before_on.cumsum(dim=1)).log_softmax(dim=0)
        return (weights_on[:, :, None] + log_p_onv).logsumexp(dim=0)

    def _under_each_outcome(self, tokens_p: NDArray[np.int16]) -> Tensor:
        games = RecordedGames(
            tokens_bp=np.tile(tokens_p, (_OUTCOMES, 1)),
            lengths_b=np.full(_OUTCOMES, len(tokens_p)),
            outcomes_b=self._outcomes_o,
            first_ply=0,
        )
        tokens_bt, positions_n = games.sequences()
        device = self._context.runtime.device
        with self._context.runtime.autocast():
            logits_nv = self._context.model.forward_at(tokens_bt.to(device), positions_n.to(device))
        return logits_nv.double().log_softmax(dim=1).unflatten(0, (_OUTCOMES, -1))

    def _prior(self) -> NDArray[np.float64]:
        """Return how often games end so, as the model was trained; no outcome has less than one."""
        trained_by: dict[str, Any] = dict(self._context.trained_by)
        games = chess_engine.generate_random_games(
            _PRIOR_GAMES,
            seed=_PRIOR_SEED,
            max_ply=self._context.spec.max_seq_len - 1,
            mate_boost=float(trained_by.get("mate_boost") or 0.0),
            discard_ply_limit=bool(trained_by.get("discard_ply_limit")),
            vocabulary=self._context.spec.vocabulary,
        )
        counts = np.array([(games.outcomes == outcome).sum() for outcome in self._outcomes_o])
        return (counts + 1.0) / (counts.sum() + _OUTCOMES)

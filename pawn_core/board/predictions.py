"""What a model expects at the plies of a game, whichever kind of model it is.

Shapes: n plies, v tokens (of a model of positions the 4,672 indices of moves), m legal moves.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_SHOWN_ILLEGAL = 3


class Prediction(NamedTuple):
    """A model's distribution at one ply."""

    log_p_v: Tensor
    """float64, over all that it could say."""
    legal_m: Tensor
    """int64, which of that each legal move is, in the order of the moves."""
    over: int | None
    """Which of it says that the game is over; None where nothing does."""
    words: Sequence[str]
    """Length v, what each is called: UCI, or empty."""
    legal_mass: float
    """Probability of the legal moves, before the model is held to the rules if it is."""
    value: float | None = None
    """-1 to 1, of the side to move; None of a model that has none."""

    @property
    def legal(self) -> NDArray[np.float64]:
        """Probability (m,) of each legal move."""
        return self.log_p_v[self.legal_m].exp().numpy()

    @property
    def entropy(self) -> float:
        """In nats, over all that it could say."""
        return float(torch.special.entr(self.log_p_v.exp()).sum())

    def kl(self, law_m: NDArray[np.float64]) -> float:
        """Return KL(law || model) in nats: 0 for a model that knows the law."""
        law = torch.from_numpy(law_m)
        return float((torch.special.xlogy(law, law) - law * self.log_p_v[self.legal_m]).sum())

    def measures(self, law_m: NDArray[np.float64]) -> dict[str, float]:
        """Return what sums up a ply where the game goes on."""
        entropies = {"entropy": self.entropy, "law_entropy": float(-(law_m * np.log(law_m)).sum())}
        return {"legal_mass": self.legal_mass, "kl": self.kl(law_m), **entropies}

    def end(self) -> float | None:
        """Return the probability that the game is over; None where nothing says so."""
        return None if self.over is None else float(self.log_p_v[self.over].exp())

    def illegal(self) -> list[dict[str, Any]]:
        """Return the likeliest moves that are not legal, with their probabilities."""
        p_v = self.log_p_v.exp()
        p_v[self.legal_m] = 0.0
        top = p_v.topk(min(len(p_v), _SHOWN_ILLEGAL + 1))
        pairs = zip(top.indices.tolist(), top.values.tolist(), strict=True)
        named = [{"uci": self.words[at], "p": p} for at, p in pairs if self.words[at]]
        return named[:_SHOWN_ILLEGAL]


class NotPredicted(Exception):
    """The model says nothing at a ply; the text says why."""

"""Rewards of rlvr-mini: weighted means, shaped to the range from -.3 to 1.

What it published as `graduated` was computed as `linear`, for a completion with evaluations or a
FEN counted as continuous; here the steps are taken. Candidates are the share of the listed moves
that the program lists too. Evaluations are compared where it has one, in pawns.
"""

import math
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from pawn_core.tasks.schemes.reading import read_listing, read_verdict, top_moves, top_pawns
from pawn_core.tasks.task import Scored

_LEAST, _MOST = -0.3, 1.0
_OF_FORMAT = 0.1
"""Added to a negative reward of a completion that is well formed."""
_RANKS = ((0, 1.0), (2, 0.7), (4, 0.5))
"""A best move is worth so much up to a rank; another legal one `_LEGAL`."""
_LEGAL = 0.2
_STEPS = (0.95, 0.8, 0.6, 0.4, 0.2)
_REWARD_WITHIN = 0.01
_STEEP = 3.0


class Mini:
    """`P:` and `A:` from -.3 to 1."""

    def __init__(self, weights: Mapping[str, float], shaping: str | None = None) -> None:
        """Read the shaping: linear, graduated or binary."""
        self._shape = _SHAPES[shaping or "linear"]

    def rewards(self, scored: Scored) -> NDArray[np.float64]:
        """Return the rewards (n,)."""
        raw = _policy if scored.task == "policy" else _environment
        valid = scored.scores.valid
        return np.array(
            [self._shaped(*raw(scored, n)) if valid[n] else np.nan for n in range(len(valid))]
        )

    def _shaped(self, raw: float, well_formed: bool) -> float:
        shaped = self._shape(raw)
        return shaped + _OF_FORMAT if well_formed and shaped < 0.0 else shaped


def _policy(scored: Scored, n: int) -> tuple[float, bool]:
    """Return the weighted mean of completion n, and whether it is well formed."""
    listing, prompt = read_listing(scored.completions[n]), scored.prompts[n]
    if not (listing.complete and listing.moves and listing.evals and listing.best):
        return 0.0, False
    top = top_moves(prompt)
    candidates = sum(move in top for move in listing.moves) / len(listing.moves)
    worth = dict(zip(top, top_pawns(prompt), strict=True))
    gaps = [
        abs(listed - worth[move]) / (abs(worth[move]) + 1.0)
        for move, listed in zip(listing.moves, listing.evals, strict=False)
        if move in worth
    ]
    evals = max(0.0, 1.0 - sum(gaps) / len(gaps)) if gaps else 0.0
    best = _of_rank(int(scored.scores.details["best_rank"][n]))
    return (4.0 * best + 2.0 + 1.5 * candidates + 1.0 * evals) / 8.5, True


def _of_rank(rank: int) -> float:
    """Return what the best move is worth: rank 0 is the program's, -1 a legal one, -2 none."""
    if rank < 0:
        return _LEGAL if rank == -1 else 0.0
    return next((worth for last, worth in _RANKS if rank <= last), _LEGAL)


def _environment(scored: Scored, n: int) -> tuple[float, bool]:
    """Return the weighted mean of completion n, and whether it is well formed."""
    verdict = read_verdict(scored.completions[n])
    right = read_verdict(scored.prompts[n].answer.completion)
    if not verdict.complete or "/" not in verdict.fen:
        return 0.0, False
    assert verdict.reward is not None
    assert right.reward is not None
    similarity = float(scored.scores.details["fen_similarity"][n])
    fen = math.expm1(_STEEP * similarity) / math.expm1(_STEEP)
    reward = abs(verdict.reward - right.reward) <= _REWARD_WITHIN
    flags = verdict[-2:] == right[-2:]
    return (4.0 + 3.0 * fen + 2.0 * flags + 1.0 * reward) / 10.0, True


def _linear(raw: float) -> float:
    return _LEAST + (_MOST - _LEAST) * raw


def _graduated(raw: float) -> float:
    if raw >= _STEPS[0]:
        return _MOST
    return next((step for step in _STEPS[1:] if raw >= step), _LEAST)


def _binary(raw: float) -> float:
    return _MOST if raw >= 0.5 else _LEAST


_SHAPES: Mapping[str, Callable[[float], float]] = {
    "linear": _linear,
    "graduated": _graduated,
    "binary": _binary,
}

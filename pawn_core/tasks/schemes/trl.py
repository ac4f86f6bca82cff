"""Rewards of rookworld-trl: sums of bonuses and penalties.

As published, with what was wrong: the order of the listed moves earns a bonus although the rows
shuffle it, and of `A:` the reward and the flags need only be of their type. A listed move's worth
is that of the program's five lines, where the original searched each move anew; the others are not
compared.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from pawn_core.tasks.schemes.reading import (
    Listing,
    read_listing,
    read_verdict,
    top_moves,
    top_pawns,
)
from pawn_core.tasks.task import Scored

_MATE_PAWNS = 100.0
_OF_ORDER = (0.1, 0.067, 0.033)
_CLEAR_PAWNS = 0.2
"""Below it, the sign of an evaluation is not looked at."""
_ILLEGAL_PROMPT = -0.8
_FULLMOVE = 5
"""Field of a FEN."""


class Trl:
    """`P:` from -1 to 1, `A:` from -.9 to .54."""

    def __init__(self, weights: Mapping[str, float], shaping: str | None = None) -> None:
        """Read none of these."""

    def rewards(self, scored: Scored) -> NDArray[np.float64]:
        """Return the rewards (n,)."""
        reward = _policy if scored.task == "policy" else _environment
        valid = scored.scores.valid
        return np.array([reward(scored, n) if valid[n] else np.nan for n in range(len(valid))])


def _policy(scored: Scored, n: int) -> float:
    details, prompt = scored.scores.details, scored.prompts[n]
    listing, top = read_listing(scored.completions[n]), top_moves(prompt)
    illegal = round(len(listing.moves) * (1.0 - float(details["legal"][n])))
    worth = dict(zip(top, top_pawns(prompt, _MATE_PAWNS), strict=True))
    best = _best(listing, int(details["best_rank"][n]))
    parts = 0.5 * best + 0.3 * _candidates(listing, top, illegal)
    return float(np.clip(parts + 0.2 * _evals(listing, worth, illegal), -1.0, 1.0))


def _best(listing: Listing, rank: int) -> float:
    """Return what the best move is worth: rank 0 is the program's, -1 a legal one, -2 none."""
    if listing.best is None:
        return -0.5
    if rank < 0:
        return 0.1 if rank == -1 else -1.0
    return 1.0 - 0.2 * rank


def _candidates(listing: Listing, top: list[str], illegal: int) -> float:
    if not listing.moves:
        return -0.3
    listed = set(listing.moves)
    jaccard = len(listed & set(top)) / len(listed | set(top))
    pairs = zip(_OF_ORDER, listing.moves, top, strict=False)
    return jaccard + sum(bonus for bonus, move, found in pairs if move == found) - 0.3 * illegal


def _evals(listing: Listing, worth: Mapping[str, float], illegal: int) -> float:
    if not listing.evals:
        return -0.2
    if len(listing.evals) != len(listing.moves):
        return -0.4
    pairs = [
        (listed, worth[move])
        for move, listed in zip(listing.moves, listing.evals, strict=True)
        if move in worth
    ]
    wrong = sum(listed * found < 0.0 for listed, found in pairs if abs(found) > _CLEAR_PAWNS)
    error = sum(abs(listed - found) for listed, found in pairs) / len(pairs) if pairs else 1.0
    return max(0.0, 1.0 - error) - 0.4 * wrong - 0.5 * illegal


def _environment(scored: Scored, n: int) -> float:
    verdict = read_verdict(scored.completions[n])
    right = read_verdict(scored.prompts[n].answer.completion)
    if right.truncated:
        return _ILLEGAL_PROMPT
    types = sum(value is not None for value in verdict[2:]) / 3
    valid = 0.01 if scored.scores.details["fen_valid"][n] else -0.2
    return 0.03 * types + _fen(verdict.fen, right.fen) + valid


def _fen(fen: str, right: str) -> float:
    if fen == right:
        return 0.5
    return -0.3 if fen.split()[:_FULLMOVE] == right.split()[:_FULLMOVE] else -0.7

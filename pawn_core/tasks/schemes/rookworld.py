"""Rewards of rookworld-rlvr, at the time of its seed and as graduated later.

As published, with what was wrong: evaluations in pawns are compared with a tolerance of 100, so
that part is .2 for nearly any number; they are paired by place although their order says nothing;
and the best move of Black is the last of the program's list, the worst of its five.
"""

from collections.abc import Mapping
from difflib import SequenceMatcher

import numpy as np
from numpy.typing import NDArray

from pawn_core.tasks.schemes.reading import (
    Listing,
    read_listing,
    read_verdict,
    top_moves,
    top_pawns,
)
from pawn_core.tasks.task import Scored, TaskPrompt

_MALFORMED = -1.0
_EMPTY = -0.1
_STEP = 0.2
_ENTRIES = 5
_TOLERANCE = 100.0
_SIMILAR = 0.5


class Rookworld:
    """Structure, then content: `P:` from -1 to 2, `A:` from -1 to 1.5."""

    def __init__(self, weights: Mapping[str, float], shaping: str | None = None) -> None:
        """Read none of these."""

    def rewards(self, scored: Scored) -> NDArray[np.float64]:
        """Return the rewards (n,)."""
        reward = self._policy if scored.task == "policy" else _environment
        pairs = zip(scored.prompts, scored.completions, strict=True)
        return np.array([reward(p, c) if p.valid else np.nan for p, c in pairs])

    def _policy(self, prompt: TaskPrompt, completion: str) -> float:
        listing = read_listing(completion)
        if not listing.complete:
            return _MALFORMED
        counts = len(listing.moves), len(listing.evals)
        if counts != (_ENTRIES, _ENTRIES) or listing.best is None:
            return 0.2 + _MALFORMED / 2
        close = [max(0.0, 1.0 - gap / _TOLERANCE) for gap in _gaps(listing, prompt)]
        content = 0.5 * _hits(listing, prompt) + 0.2 * _mean(close)
        return 0.2 + 0.1 + content + 1.0 * (listing.best == _best(prompt))


class RookworldGraduated(Rookworld):
    """`P:` in five steps of .2, for what is nearly right; `A:` as before."""

    def _policy(self, prompt: TaskPrompt, completion: str) -> float:
        listing = read_listing(completion)
        if not listing.moves and not listing.evals:
            return _EMPTY
        within = [gap <= 1.0 for gap in _gaps(listing, prompt)]
        content = _mean(
            [_hits(listing, prompt), float(listing.best == _best(prompt)), _mean(within)]
        )
        counts = len(listing.moves), len(listing.evals)
        steps = [
            counts[0] >= 1,
            counts[1] >= 1,
            all(2 <= count <= 6 for count in counts),
            content > 0.3,
            content > 0.7,
        ]
        return _STEP * sum(steps)


def _environment(prompt: TaskPrompt, completion: str) -> float:
    verdict, right = read_verdict(completion), read_verdict(prompt.answer.completion)
    if not verdict.complete:
        return _MALFORMED
    assert verdict.reward is not None
    assert right.reward is not None
    similarity = SequenceMatcher(None, verdict.fen, right.fen).ratio()
    fen = 1.0 if verdict.fen == right.fen else 0.5 * similarity * (similarity >= _SIMILAR)
    scale = max(abs(right.reward), abs(verdict.reward), 1.0)
    reward = 1.0 - abs(verdict.reward - right.reward) / scale
    flags = verdict[-2:] == right[-2:]
    return 0.1 + fen + 0.3 * reward + 0.1 * flags


def _best(prompt: TaskPrompt) -> str:
    """Return what the published labels call the best move: for Black, the last one listed."""
    moves = top_moves(prompt)
    return moves[0] if prompt.fen.split()[1] == "w" else moves[-1]


def _hits(listing: Listing, prompt: TaskPrompt) -> float:
    top = top_moves(prompt)
    return _mean([move in top for move in listing.moves])


def _gaps(listing: Listing, prompt: TaskPrompt) -> list[float]:
    """Return differences in pawns, first to first."""
    pairs = zip(listing.evals, top_pawns(prompt), strict=False)
    return [abs(listed - found) for listed, found in pairs]


def _mean(values: list[float] | list[bool]) -> float:
    return sum(values) / len(values) if values else 0.0

"""Tokens of a cache, which are searchless, in another vocabulary."""

import functools
from dataclasses import dataclass
from typing import Self

import chess_engine
import numpy as np
from chess_engine import Vocabulary
from numpy.typing import NDArray

CACHED = "searchless"
_BY_RULE = {
    "white_wins_by_resignation": "white_checkmates",
    "white_wins_on_time": "white_checkmates",
    "black_wins_by_resignation": "black_checkmates",
    "black_wins_on_time": "black_checkmates",
    "draw_by_agreement": "draw_by_rule",
    "draw_by_time": "draw_by_rule",
}
"""What an outcome becomes in a vocabulary that lacks it: an end by the rules, of equal result."""


@dataclass(frozen=True)
class TokenTable:
    """A table from the tokens of a cache to those of a vocabulary."""

    pad: int
    table: NDArray[np.int16] | None
    """None where the tokens are those of the cache."""

    @classmethod
    @functools.cache
    def of(cls, vocabulary: str) -> Self:
        """Return the table of a vocabulary."""
        cached = chess_engine.export_move_vocabulary(CACHED)
        other = chess_engine.export_move_vocabulary(vocabulary)
        table = None if vocabulary == CACHED else _table(cached, other)
        return cls(other.pad, table)

    def moves(self, tokens: NDArray[np.int16]) -> NDArray[np.int16]:
        """Return move tokens in the vocabulary."""
        return tokens if self.table is None else self.table[tokens]

    def outcomes(self, tokens: NDArray[np.int16]) -> NDArray[np.int16]:
        """Return outcome tokens in the vocabulary, -1 where there is none."""
        if self.table is None:
            return np.array(tokens)
        return np.where(tokens < 0, np.int16(-1), self.table[tokens])


def _table(cached: Vocabulary, other: Vocabulary) -> NDArray[np.int16]:
    table = np.full(cached.size, other.pad, np.int16)
    for move, token in cached.move_ids.items():
        table[token] = other.move_ids[move]
    for outcome, token in cached.outcomes.items():
        name = outcome if outcome in other.outcomes else _BY_RULE[outcome]
        table[token] = other.outcomes[name]
    return table

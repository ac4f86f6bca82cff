"""Games side by side on their boards, also such as an illegal move ended.

Shapes: b games, v vocabulary.
"""

from typing import Any

import numpy as np
from chess_engine import BatchGames, Vocabulary
from numpy.typing import NDArray


class Boards:
    """Games from the starting position, a ply at a time."""

    def __init__(self, games: int, max_ply: int, vocabulary: Vocabulary) -> None:
        self._games = BatchGames(games, max_ply=max_ply, vocabulary=vocabulary.name)
        self._rows_b = np.arange(games)
        self._mask_bv = np.zeros((games, vocabulary.size), dtype=np.bool_)
        self._games.legal_masks(self._mask_bv)
        self.forfeited_b = np.zeros(games, dtype=np.bool_)
        """Games that an illegal token ended. Their boards say nothing from then on."""

    @property
    def terminations_b(self) -> NDArray[np.uint8]:
        """How each game ended, by `TERMINATIONS`; where it goes on, unfinished."""
        return self._games.terminations

    def legal_bv(self) -> NDArray[np.bool_]:
        """Return which tokens each board takes: PAD alone where its game is over."""
        return self._mask_bv

    def fens(self) -> list[str]:
        """Return each board's position; those of forfeited games say nothing."""
        return self._games.fens()

    def play(self, tokens_b: NDArray[Any]) -> None:
        """Play one token in each game; one that its board does not take forfeits the game."""
        self.forfeited_b |= ~self._mask_bv[self._rows_b, tokens_b]
        # The engine's boards advance together: a forfeited one is given any token it takes.
        fillers_b = self._mask_bv.argmax(axis=1)
        played_b = np.where(self.forfeited_b, fillers_b, tokens_b)
        self._games.apply(played_b.astype(np.int16))
        self._games.legal_masks(self._mask_bv)

"""Who plays: each side of many games at once, a ply at a time.

Games are held in "searchless" tokens, whatever vocabulary a player has. Shapes: b games, t plies
played, v vocabulary.
"""

from typing import Any, Protocol

import chess_engine
import numpy as np
import torch
from chess_engine import Vocabulary
from numpy.typing import NDArray
from torch import Tensor

from pawn_core.model.draws import draw, uniform_numbers
from pawn_core.weights import Pretrained

BOARD = chess_engine.export_move_vocabulary("searchless")
"""The vocabulary of the games."""


class Player(Protocol):
    """One side of each game of a match."""

    @property
    def name(self) -> str:
        """Who it is, as the games name it."""
        ...

    def begin(self, numbers_b: NDArray[np.int64], white_b: NDArray[np.bool_]) -> None:
        """Begin games: their numbers, which decide what is random, and where it has White."""

    def choose(
        self, played_bt: NDArray[np.int16], legal_bv: NDArray[np.bool_], asked_b: NDArray[np.bool_]
    ) -> NDArray[np.int64]:
        """Return a token for each game; only those of games where it is asked count.

        PAD, or a token that is no legal move, forfeits the game.
        """
        ...


class RandomPlayer:
    """Plays uniformly over the legal moves."""

    name = "random play"

    def __init__(self, seed: int, max_ply: int) -> None:
        self._seed, self._max_ply = seed, max_ply

    def begin(self, numbers_b: NDArray[np.int64], white_b: NDArray[np.bool_]) -> None:
        """Draw the random numbers of new games."""
        self._uniform_bt = uniform_numbers(self._seed, numbers_b.tolist(), self._max_ply)

    def choose(
        self, played_bt: NDArray[np.int16], legal_bv: NDArray[np.bool_], asked_b: NDArray[np.bool_]
    ) -> NDArray[np.int64]:
        """Return any of the legal moves."""
        uniform_b = torch.from_numpy(self._uniform_bt[:, played_bt.shape[1]])
        logits_bv = torch.zeros(legal_bv.shape).masked_fill(~torch.from_numpy(legal_bv), -torch.inf)
        return draw(logits_bv, 1.0, uniform_b).numpy()


class ModelPlayer:
    """Plays what a model draws, with the keys and values of each game kept."""

    def __init__(
        self, pretrained: Pretrained, name: str, *, temperature: float, masked: bool, seed: int
    ) -> None:
        self.name = name
        self._pretrained, self._temperature, self._masked = pretrained, temperature, masked
        self._seed = seed
        self._tokens = _Translation(pretrained.vocabulary)
        self._device = pretrained.model.lm_head.weight.device

    @property
    def max_ply(self) -> int:
        """Plies that its context holds."""
        return self._pretrained.spec.max_ply

    def begin(self, numbers_b: NDArray[np.int64], white_b: NDArray[np.bool_]) -> None:
        """Begin games; a model with outcome tokens is told that its side mates."""
        outcomes = self._pretrained.vocabulary.outcomes
        own_mate_b = np.where(white_b, outcomes["white_checkmates"], outcomes["black_checkmates"])
        self._before_bt = own_mate_b[:, None][:, : int(self._pretrained.spec.prepend_outcome)]
        self._cache = self._pretrained.model.new_cache(len(numbers_b))
        self._uniform_bt = uniform_numbers(self._seed, numbers_b.tolist(), self.max_ply)

    @torch.inference_mode()
    def choose(
        self, played_bt: NDArray[np.int16], legal_bv: NDArray[np.bool_], asked_b: NDArray[np.bool_]
    ) -> NDArray[np.int64]:
        """Return the model's tokens; held to the rules, legal moves."""
        return self.pick(self.logits(played_bt, legal_bv), played_bt.shape[1])

    @torch.inference_mode()
    def logits(self, played_bt: NDArray[np.int16], legal_bv: NDArray[np.bool_]) -> Tensor:
        """Return what it expects next, over its own tokens; held to the rules, of legal moves.

        It keeps what it reads: each call is for more plies of the same games.
        """
        logits_bv = self._read(np.hstack((self._before_bt, self._tokens.own(played_bt))))
        if not self._masked:
            return logits_bv
        own_bv = torch.from_numpy(self._tokens.own_mask(legal_bv)).to(self._device)
        return logits_bv.masked_fill(~own_bv, -torch.inf)

    @torch.inference_mode()
    def pick(self, logits_bv: Tensor, ply: int) -> NDArray[np.int64]:
        """Return a token for each game by the random numbers of the ply."""
        uniform_b = torch.from_numpy(self._uniform_bt[:, ply]).to(self._device)
        return self.on_board(draw(logits_bv, self._temperature, uniform_b))

    def on_board(self, own_b: Tensor) -> NDArray[np.int64]:
        """Return the games' tokens for its own."""
        return self._tokens.on_board(own_b.cpu().numpy())

    def _read(self, tokens_bt: NDArray[np.int64]) -> Tensor:
        """Return the logits after tokens (b, t), of which the cache holds the first."""
        begin = self._cache.length
        if not begin:
            return self._forward(tokens_bt)
        for t in range(begin, tokens_bt.shape[1] - 1):  # of plies at which it was not asked
            self._forward(tokens_bt[:, t : t + 1])
        return self._forward(tokens_bt[:, -1:])

    def _forward(self, tokens_bt: NDArray[np.int64]) -> Tensor:
        new_bt = torch.from_numpy(tokens_bt).to(self._device)
        return self._pretrained.model.forward_next(new_bt, self._cache)


class _Translation:
    """Between a model's tokens and those of the games."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._size = vocabulary.size
        self._own_v = np.full(BOARD.size, vocabulary.pad, dtype=np.int64)
        self._board_v = np.full(vocabulary.size, BOARD.pad, dtype=np.int64)
        for uci, token in BOARD.move_ids.items():
            self._own_v[token] = vocabulary.move_ids[uci]
            self._board_v[vocabulary.move_ids[uci]] = token

    def own(self, tokens: NDArray[Any]) -> NDArray[np.int64]:
        """Return the model's tokens for those of games."""
        return self._own_v[tokens]

    def on_board(self, tokens: NDArray[Any]) -> NDArray[np.int64]:
        """Return a game's tokens for those of the model; PAD for what is no move."""
        return self._board_v[tokens]

    def own_mask(self, mask_bv: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return a mask over the model's tokens for one over those of games."""
        own_bv = np.zeros((len(mask_bv), self._size), dtype=np.bool_)
        games, tokens = np.nonzero(mask_bv)
        own_bv[games, self._own_v[tokens]] = True
        return own_bv

"""A model of positions as a player: it looks at each board anew, and remembers no game.

Shapes: b games, t plies played, a games where it is asked, p the 4,672 indices of moves.
"""

import chess_engine
import numpy as np
import torch
from chess_engine import EncodedPositions
from numpy.typing import NDArray
from torch import Tensor

from pawn_core.boards import Boards
from pawn_core.evaluation.play.players import BOARD
from pawn_core.model.draws import draw, uniform_numbers
from pawn_core.position_model import PositionModel

MOST_PLIES = 1024
"""Of a game that it can play; nothing of the model says so."""


class PositionPlayer:
    """Plays what a model's policy draws."""

    max_ply = MOST_PLIES

    def __init__(
        self, model: PositionModel, name: str, *, temperature: float, masked: bool, seed: int
    ) -> None:
        self.name = name
        self._model, self._temperature, self._masked = model, temperature, masked
        self._seed = seed
        self._device = next(model.parameters()).device

    def begin(self, numbers_b: NDArray[np.int64], white_b: NDArray[np.bool_]) -> None:
        """Begin games on their boards."""
        self._boards, self._read = Boards(len(numbers_b), self.max_ply, BOARD), 0
        self._uniform_bt = uniform_numbers(self._seed, numbers_b.tolist(), self.max_ply)

    @torch.inference_mode()
    def choose(
        self, played_bt: NDArray[np.int16], legal_bv: NDArray[np.bool_], asked_b: NDArray[np.bool_]
    ) -> NDArray[np.int64]:
        """Return the model's moves; held to the rules, legal ones.

        Where it is not held to them and draws an index that is no legal move, PAD.
        """
        while self._read < played_bt.shape[1]:
            self._boards.play(played_bt[:, self._read])
            self._read += 1
        fens = self._boards.fens()
        fens_a = [fens[game] for game in np.flatnonzero(asked_b)]
        encoded = chess_engine.encode_positions(fens_a, targets=False)
        legal_ap = legal_indices(encoded)
        logits_ap = self._logits(encoded, legal_ap)
        uniform_a = torch.from_numpy(self._uniform_bt[asked_b, played_bt.shape[1]])
        indices_a = draw(logits_ap, self._temperature, uniform_a.to(self._device)).cpu().numpy()
        tokens_b = np.full(len(asked_b), BOARD.pad, dtype=np.int64)
        tokens_b[asked_b] = _tokens(fens_a, indices_a, legal_ap)
        return tokens_b

    def _logits(self, encoded: EncodedPositions, legal_ap: NDArray[np.bool_]) -> Tensor:
        planes = torch.from_numpy(encoded.planes).to(self._device)
        logits_ap = self._model(planes, tasks=()).policy.float()
        if not self._masked:
            return logits_ap
        return logits_ap.masked_fill(~torch.from_numpy(legal_ap).to(self._device), -torch.inf)


def legal_indices(encoded: EncodedPositions) -> NDArray[np.bool_]:
    """Return which of the indices of moves are legal in each position (a, p)."""
    assert encoded.legal_offsets is not None
    counts_a = np.diff(encoded.legal_offsets)
    legal_ap = np.zeros((len(counts_a), chess_engine.POLICY_SIZE), dtype=np.bool_)
    legal_ap[np.repeat(np.arange(len(counts_a)), counts_a), encoded.legal_moves] = True
    return legal_ap


def _tokens(
    fens_a: list[str], indices_a: NDArray[np.int64], legal_ap: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Return a game's token for each index, PAD for one that is no legal move."""
    tokens_a = np.full(len(fens_a), BOARD.pad, dtype=np.int64)
    legal_a = np.flatnonzero(legal_ap[np.arange(len(fens_a)), indices_a])
    chosen = indices_a[legal_a].astype(np.int16)
    ucis = chess_engine.policy_moves([fens_a[game] for game in legal_a], chosen)
    tokens_a[legal_a] = [BOARD.move_ids[uci] for uci in ucis]
    return tokens_a

"""A model in games, one after the other, by the same `ModelPlayer` as the matches of evaluations.

Shapes: b games (one), t plies played, v vocabulary of the games.
"""

import numpy as np
import torch

from pawn_core.evaluation.play.players import BOARD, ModelPlayer
from pawn_core.uci.choices import Choice, any_move
from pawn_core.uci.game_positions import GamePosition
from pawn_core.uci.play_settings import PlaySettings
from pawn_core.weights import Pretrained

_SHOWN_MOVES = 5


class ModelGames:
    """Chooses the moves of a side of one game at a time."""

    def __init__(self, pretrained: Pretrained, name: str) -> None:
        self._pretrained, self._name = pretrained, name
        self._settings: PlaySettings | None = None
        self._player: ModelPlayer
        self._read: tuple[bool, tuple[str, ...]] = (True, ())
        """The side that it has, and the moves that the player has read."""

    def warm_up(self, settings: PlaySettings) -> None:
        """Choose a move that counts for nothing, so that the first one takes no longer."""
        self.choose(GamePosition.parse(["startpos", "moves", "e2e4"]), ["e7e5"], settings)
        self._settings = None

    def choose(self, position: GamePosition, allowed: list[str], settings: PlaySettings) -> Choice:
        """Return one of the allowed moves, which are legal ones."""
        if (why := self._no_model_for(position)) is not None:
            return any_move(position, allowed, settings, why)
        played_bt = np.array([[BOARD.move_ids[uci] for uci in position.ucis]], dtype=np.int16)
        legal_bv = np.zeros((1, BOARD.size), dtype=np.bool_)
        legal_bv[0, [BOARD.move_ids[uci] for uci in allowed]] = True
        self._begin_or_go_on(position, settings)
        logits_bv = self._player.logits(played_bt, legal_bv)
        (token,) = self._player.pick(logits_bv, len(position.ucis))
        return Choice(BOARD.moves[token], self._likeliest(logits_bv, len(allowed)))

    def _no_model_for(self, position: GamePosition) -> str | None:
        spec = self._pretrained.spec
        if not position.from_start:
            return "error the model knows games from the start position only, this FEN is none"
        if len(position.ucis) >= spec.max_ply:
            return f"error the model knows games of up to {spec.max_ply} plies, this one is longer"
        if not position.ucis and not spec.prepend_outcome:
            return "the model does not predict the first move of a game"
        return None

    def _begin_or_go_on(self, position: GamePosition, settings: PlaySettings) -> None:
        """Let the player read a game anew, unless this one goes on from what it has read."""
        white, ucis = self._read
        on_turn = white == position.white_moves
        goes_on = len(position.ucis) > len(ucis) and position.ucis[: len(ucis)] == ucis
        if settings != self._settings or not (on_turn and goes_on):
            torch.set_num_threads(settings.threads)
            self._player = self._new_player(settings)
            self._player.begin(np.array([settings.game]), np.array([position.white_moves]))
        self._settings, self._read = settings, (position.white_moves, position.ucis)

    def _new_player(self, settings: PlaySettings) -> ModelPlayer:
        return ModelPlayer(
            self._pretrained,
            self._name,
            temperature=settings.temperature,
            masked=True,
            seed=settings.seed,
        )

    def _likeliest(self, logits_bv: torch.Tensor, legal: int) -> tuple[tuple[str, float], ...]:
        top = logits_bv.double().softmax(dim=1).topk(min(legal, _SHOWN_MOVES), dim=1)
        ucis = [BOARD.moves[token] for token in self._player.on_board(top.indices[0])]
        return tuple(zip(ucis, top.values[0].tolist(), strict=True))

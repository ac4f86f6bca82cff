"""A front in this process, and what it says."""

from typing import Any

import chess_engine
import torch
from known_players import known_player

from pawn_core.config import Architecture
from pawn_core.model import Transformer
from pawn_core.uci.front import Front
from pawn_core.uci.model_games import ModelGames
from pawn_core.uci.play_settings import PlaySettings
from pawn_core.weights import Pretrained
from pawn_core.weights.spec import ModelSpec


def transformer(vocabulary: str, *, prefixed: bool, width: int = 64) -> Pretrained:
    """Return a small model with weights that make it care for what it reads."""
    architecture, tokens = (
        Architecture(16, 1, 2, 32),
        chess_engine.export_move_vocabulary(vocabulary),
    )
    torch.manual_seed(3)
    model = Transformer(architecture, tokens, width).eval().requires_grad_(False)
    for parameter in model.parameters():
        parameter.mul_(12)
    return Pretrained(model, tokens, ModelSpec(architecture, vocabulary, width, prefixed))


class Heard:
    """A front and all that it has said."""

    def __init__(self, chooser: Any = None, **settings: Any) -> None:
        self.lines: list[str] = []
        chooser = chooser or ModelGames(known_player(legal=False, prefixed=True, width=64), "known")
        self.loads = 0
        self._front = Front(
            "known", PlaySettings(**settings), lambda _: self._load(chooser), self.lines.append
        )

    def _load(self, chooser: Any) -> Any:
        self.loads += 1
        return chooser

    def __call__(self, *lines: str) -> list[str]:
        """Send lines and return what is said to them; `quit` must be the last."""
        before = len(self.lines)
        for index, line in enumerate(lines):
            goes_on = self._front.hear(line)
            assert goes_on or index == len(lines) - 1
        return self.lines[before:]

    def move(self, *lines: str) -> str:
        """Return the one move that is played."""
        (best,) = moves_in(self(*lines))
        return best


def moves_in(lines: list[str]) -> list[str]:
    """Return the moves that were played."""
    return [line.split()[1] for line in lines if line.startswith("bestmove ")]


def errors_in(lines: list[str]) -> list[str]:
    """Return what was complained of."""
    return [line for line in lines if line.startswith("info string error ")]

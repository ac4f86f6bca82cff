"""A game on the board: its positions, its moves in words, and how it ended. Never imports torch."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import chess_engine
import numpy as np
from chess_engine import TERMINATIONS
from numpy.typing import NDArray

from pawn_core.board.questions import MOST_PLIES, PgnQuestion, RandomGameQuestion
from pawn_core.config import ConfigError
from pawn_core.config.errors import shown
from pawn_core.uci.game_positions import START

MEN = "PNBRQKpnbrqk."
"""Symbol of each class of a square: white, black, empty."""
_BOARD = chess_engine.export_move_vocabulary("searchless")
_MOST_GAMES = 200
"""Of a PGN text that are shown."""
_UNFINISHED = TERMINATIONS.index("unfinished")


@dataclass(frozen=True)
class Game:
    """Legal moves from the start position on."""

    ucis: tuple[str, ...]

    @classmethod
    def of(cls, ucis: Sequence[str]) -> "Game":
        """Return a game of checked moves.

        Raises:
            ConfigError: one is no legal move; names the ply, from 0.
        """
        for ply, uci in enumerate(ucis):
            if uci not in _BOARD.move_ids:
                raise ConfigError(f"moves[{ply}] {shown(uci)} is no move in UCI, such as e2e4")
        tokens_1p = _tokens([ucis])
        illegal = int(chess_engine.validate_games(tokens_1p).first_illegal[0]) if ucis else -1
        if illegal >= 0:
            raise ConfigError(f"moves[{illegal}] {shown(ucis[illegal])} is not legal there")
        return cls(tuple(ucis))

    def check_ply(self, ply: int | None) -> int:
        """Return a ply of the game, by default its last.

        Raises:
            ConfigError: it has not as many.
        """
        plies = len(self.ucis)
        if ply is not None and ply > plies:
            raise ConfigError(f"ply {ply} is behind the last move; allowed: 0 to {plies}")
        return plies if ply is None else ply

    @cached_property
    def fens(self) -> list[str]:
        """The positions before each move, and after the last."""
        fens = [START]
        for uci in self.ucis:
            fens.append(chess_engine.apply(fens[-1], uci))
        return fens

    @cached_property
    def ending(self) -> str | None:
        """How the rules ended it, None where it could go on; no number of plies ends it."""
        if not self.ucis:
            return None
        room_1p = np.pad(_tokens([self.ucis]), ((0, 0), (0, 1)), constant_values=_BOARD.pad)
        ending = int(chess_engine.validate_games(room_1p).terminations[0])
        return None if ending == _UNFINISHED else TERMINATIONS[ending]

    def over_at(self, ply: int) -> str | None:
        """Return how the game is over after so many moves; None where it goes on."""
        return self.ending if ply == len(self.ucis) else None

    def legal(self, ply: int) -> list[str]:
        """Return what may be played after so many moves, in UCI; none where the game is over."""
        return [] if self.over_at(ply) else chess_engine.legal_moves(self.fens[ply])

    def legal_sans(self, ply: int) -> list[str]:
        """Return the same in SAN."""
        lines = [[*self.ucis[:ply], uci] for uci in self.legal(ply)]
        return [sans[-1] for sans in chess_engine.tokens_to_san(_tokens(lines))] if lines else []

    def document(self) -> dict[str, Any]:
        """Return the game as JSON."""
        sans = chess_engine.tokens_to_san(_tokens([self.ucis]))[0] if self.ucis else []
        return {"moves": self.ucis, "sans": sans, "fens": self.fens, "over": self.ending}


def random_game(question: RandomGameQuestion) -> Game:
    """Return a game of random play."""
    games = chess_engine.generate_random_games(
        1,
        seed=question.seed,
        first_game=question.number,
        max_ply=question.max_ply,
        mate_boost=question.mate_boost,
    )
    return Game(tuple(_ucis(games.tokens, games.lengths)[0]))


def games_of_pgn(question: PgnQuestion) -> dict[str, Any]:
    """Return the games of a text as JSON, and what was dropped.

    Raises:
        ConfigError: no game of it can be played.
    """
    games = chess_engine.pgn_to_tokens(
        question.text, max_ply=MOST_PLIES, annotations=False, tags=True
    )
    dropped = {why: n for why, n in games.report.items() if n and why not in ("read", "kept")}
    if not len(games.lengths):
        raise ConfigError(f"text holds no game that can be played; dropped: {dropped or 'none'}")
    lines = _ucis(games.tokens[:_MOST_GAMES], games.lengths[:_MOST_GAMES])
    names = zip(games.white or (), games.black or (), strict=True)
    shown_games = [
        {"white": white, "black": black, "moves": ucis}
        for ucis, (white, black) in zip(lines, names, strict=False)
    ]
    return {"games": shown_games, "kept": len(games.lengths), "dropped": dropped}


def _ucis(tokens_bp: NDArray[np.int16], lengths_b: NDArray[np.int32]) -> list[list[str]]:
    return chess_engine.tokens_to_uci(np.ascontiguousarray(tokens_bp), lengths_b)


def _tokens(lines: Sequence[Sequence[str]]) -> NDArray[np.int16]:
    """Return lines of one length as tokens (b, p)."""
    return np.array([[_BOARD.move_ids[uci] for uci in line] for line in lines], dtype=np.int16)

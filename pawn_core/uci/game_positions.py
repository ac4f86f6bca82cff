"""Positions as UCI names them: the start or a FEN, and the moves from there. No torch."""

from dataclasses import dataclass
from functools import cached_property

import chess_engine

START = "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - 0 1"


@dataclass(frozen=True)
class GamePosition:
    """A position and how it came about."""

    fen: str = START
    ucis: tuple[str, ...] = ()
    """The moves played, from the first position on."""
    from_start: bool = True
    """Whether the first position is that of chess."""

    @classmethod
    def parse(cls, words: list[str]) -> "GamePosition":
        """Return what the words behind `position` name.

        Raises:
            ValueError: they name no position, or a move is not legal; FENs of Chess960 are none.
        """
        end = words.index("moves") if "moves" in words else len(words)
        match words[:end]:
            case ["startpos"]:
                first = START
            case ["fen", *fields] if fields:
                first = " ".join(fields)
            case _:
                raise ValueError(f"{' '.join(words[:end])!r} is not 'startpos' or 'fen FEN'")
        fen, ucis = first, words[end + 1 :]
        chess_engine.legal_moves(first)  # refuses what is no position, where no move does
        for uci in ucis:
            fen = chess_engine.apply(fen, uci)
        from_start = first.split()[:4] == START.split()[:4]  # whatever the counters say
        return cls(fen, tuple(ucis), from_start)

    @property
    def white_moves(self) -> bool:
        """Whether it is White's turn."""
        return self.fen.split()[1] == "w"

    @cached_property
    def legal(self) -> list[str]:
        """The legal moves; none where the game is over by mate or stalemate."""
        return chess_engine.legal_moves(self.fen)

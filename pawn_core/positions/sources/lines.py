"""Sources that are a file with a row on each line: what they share, whatever a row is."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import Any

import chess_engine

from pawn_core.positions.records import LabelledPosition
from pawn_core.positions.sources.files import FileSource, lines_of
from pawn_core.positions.sources.source import Parcel

_LINES_AT_ONCE = 4096
_CASTLING = {"e1h1": "e1g1", "e1a1": "e1c1", "e8h8": "e8g8", "e8a8": "e8c8"}
"""The king takes his rook, as in Chess960, for the king's two-step."""
_PLACEMENT_FIELDS, _FIELDS = 4, 6


class BadRow(ValueError):
    """A row that makes no position; its text is the reason it is counted under."""


class LineSource(FileSource, ABC):
    """Labelled positions from the lines of a file; a bad line is counted, and none is guessed."""

    def parcels(self, place: Any = None) -> Iterator[Parcel]:
        """Yield the positions of some lines at a time, from a line on."""
        number, lines = place or 0, lines_of(self.path)
        self.read_header(lines)
        lines = islice(lines, number, None)
        while some := list(islice(lines, _LINES_AT_ONCE)):
            number += len(some)
            positions: list[LabelledPosition] = []
            counts = Counter({"lines read": len(some)})
            for line in some:
                try:
                    positions += self._positions(line)
                except BadRow as reason:
                    counts[str(reason)] += 1
            yield Parcel(positions, number, counts)

    def read_header(self, lines: Iterator[str | None]) -> None:
        """Take from the lines what comes before the first row; by default nothing.

        Raises:
            ConfigError: it is not what it should be.
        """

    @abstractmethod
    def positions_of(self, line: str) -> list[LabelledPosition]:
        """Return the positions of a row.

        Raises:
            BadRow: it makes none.
        """

    def _positions(self, line: str | None) -> list[LabelledPosition]:
        if line is None:
            raise BadRow("line too long or no UTF-8")
        return self.positions_of(line) if line.strip() else []


def checked_fen(text: str) -> str:
    """Return a FEN, completed by clocks where it has none.

    Raises:
        BadRow: it is no legal position, or its game is over.
    """
    fields = text.split()
    if len(fields) == _PLACEMENT_FIELDS:
        fields += ["0", "1"]
    fen = " ".join(fields)
    try:
        over = not chess_engine.legal_moves(fen)
    except ValueError:
        raise BadRow("no legal position") from None
    if over:
        raise BadRow("no legal move")
    return fen


def checked_move(fen: str, uci: str) -> str:
    """Return a legal move as the engine writes it; castling may be written as in Chess960.

    Raises:
        BadRow: it is not legal.
    """
    legal = chess_engine.legal_moves(fen)
    move = next((m for m in (uci, _CASTLING.get(uci)) if m in legal), None)
    if move is None or (move != uci and not _is_king(fen, uci[:2])):
        raise BadRow("illegal move")
    return move


def _is_king(fen: str, square: str) -> bool:
    rank = fen.split(" ", 1)[0].split("/")[8 - int(square[1])]
    wide = "".join("." * int(c) if c.isdigit() else c for c in rank)
    return wide[ord(square[0]) - ord("a")] in "kK"

"""Puzzles of Lichess: CSV with columns FEN and Moves, whose first move is the opponent's.

Positions are those in which the solver is to move: after the first move, and after each reply. The
policy is the solver's move. A value is given where the solution ends in checkmate: 1, for the
solver is who moves. Of other puzzles it is not known how much is won; they have none.
"""

import csv
from collections.abc import Iterator, Sequence

import chess_engine

from pawn_core.config import ConfigError
from pawn_core.config.errors import shown
from pawn_core.positions.records import LabelledPosition
from pawn_core.positions.sources.lines import BadRow, LineSource, checked_fen, checked_move

_NEEDED = ("FEN", "Moves")
_MATE_REWARD = 1.0
"""Of the engine's environment: a draw is worth .5."""


class Puzzles(LineSource):
    """Positions of the Lichess puzzle database."""

    def read_header(self, lines: Iterator[str | None]) -> None:
        """Learn where the columns are."""
        header = next(lines, None) or ""
        self._columns = columns_of(header, _NEEDED, str(self.path))

    def positions_of(self, line: str) -> list[LabelledPosition]:
        """Return the positions that the solver is asked about."""
        row = row_of(line, self._columns)
        begin, moves = checked_fen(row["FEN"]), row["Moves"].split()
        if len(moves) < 2 or len(moves) % 2:
            raise BadRow("not an opponent's and a solver's move in turn")
        asked: list[tuple[str, str]] = []
        fen, uci = begin, ""
        for ply, text in enumerate(moves):
            fen = chess_engine.apply(fen, uci) if ply else begin
            uci = checked_move(fen, text)
            if ply % 2:
                asked.append((fen, uci))
        value = 1.0 if _mates(fen, uci) else None
        game = _game_of(row)
        return [LabelledPosition(fen, game, {uci: 1.0}, value) for fen, uci in asked]


def columns_of(header: str, needed: Sequence[str], path: str) -> dict[str, int]:
    """Return where the columns of a CSV file are.

    Raises:
        ConfigError: one that is needed is missing.
    """
    columns = {name.strip(): at for at, name in enumerate(next(csv.reader([header]), []))}
    if missing := [name for name in needed if name not in columns]:
        raise ConfigError(
            f"file {path!r} has no column {missing[0]!r}; it has {shown(', '.join(columns))}, "
            f"needed: {', '.join(needed)}"
        )
    return columns


def row_of(line: str, columns: dict[str, int]) -> dict[str, str]:
    """Return the fields of a line by their columns.

    Raises:
        BadRow: there are fewer or more, or they cannot be told apart.
    """
    try:
        (fields,) = csv.reader([line], strict=True)
    except (csv.Error, ValueError):
        raise BadRow("no row of CSV") from None
    if len(fields) != len(columns):
        raise BadRow("no row of CSV")
    return {name: fields[at] for name, at in columns.items()}


def _mates(fen: str, uci: str) -> bool:
    return bool(chess_engine.step_environment([fen], [uci]).rewards[0] == _MATE_REWARD)


def _game_of(row: dict[str, str]) -> str:
    """Return the game that a puzzle is from, else the puzzle itself."""
    url = row.get("GameUrl", "").partition("#")[0].removesuffix("/black")
    return url or f"puzzle {row.get('PuzzleId') or row['FEN']}"

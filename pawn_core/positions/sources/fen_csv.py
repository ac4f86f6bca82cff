"""Positions of a CSV file with a column FEN and any of: best move, evaluation, winning chance.

Whose the numbers are must be said: there is no way to know. An evaluation is in centipawns, or a
mate: `34`, `+1.5` (pawns, where that is said), `#-3`.
"""

import re
from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from pawn_core.config import ConfigError
from pawn_core.positions.records import LabelledPosition
from pawn_core.positions.sources.files import FileConfig
from pawn_core.positions.sources.lines import BadRow, LineSource, checked_fen, checked_move
from pawn_core.positions.sources.puzzles import columns_of, row_of
from pawn_core.positions.sources.source import SourceConfig
from pawn_core.positions.values import (
    centipawns_of_mate,
    for_side_to_move,
    value_of_centipawns,
)

_MATE = re.compile(r"([+-]?)#([+-]?)([0-9]{1,3})")
_NUMBER = re.compile(r"[+-]?[0-9]{1,6}(\.[0-9]{1,6})?")
_MOST_CP = 50_000


class FenCsvConfig(FileConfig):
    """What the columns hold."""

    fen_column: Annotated[str, Field(description="positions")] = "FEN"
    best_column: Annotated[str | None, Field(description="best moves, in UCI")] = None
    evaluation_column: Annotated[str | None, Field(description="evaluations and mates (#-3)")] = (
        None
    )
    chance_column: Annotated[
        str | None, Field(description="expected scores, from 0, lost, to 1, won")
    ] = None
    numbers_of: Annotated[
        Literal["white", "side_to_move"] | None, Field(description="white or side_to_move")
    ] = None
    unit: Annotated[Literal["centipawns", "pawns"], Field(description="centipawns or pawns")] = (
        "centipawns"
    )


class FenCsv(LineSource):
    """Positions of a CSV file."""

    Config: ClassVar[type[SourceConfig]] = FenCsvConfig

    def __init__(self, name: str, config: FenCsvConfig) -> None:
        """Look for the file.

        Raises:
            ConfigError: there is none, or it is not said what its columns hold.
        """
        super().__init__(name, config)
        numbers = [config.evaluation_column, config.chance_column]
        if all(numbers):
            raise ConfigError(
                f"evaluation_column {config.evaluation_column!r} and chance_column "
                f"{config.chance_column!r} both say a value; allowed: one of them"
            )
        if any(numbers) and config.numbers_of is None:
            raise ConfigError("numbers_of None is not known; one of: white, side_to_move")
        if not any((*numbers, config.best_column)):
            raise ConfigError(
                "best_column None: nothing is said of the positions; give at least one of: "
                "best_column, evaluation_column, chance_column"
            )

    def read_header(self, lines: Iterator[str | None]) -> None:
        """Learn where the columns are."""
        config = self.config
        optional = (config.best_column, config.evaluation_column, config.chance_column)
        needed = [config.fen_column, *(name for name in optional if name)]
        self._columns = columns_of(next(lines, None) or "", needed, str(self.path))

    def positions_of(self, line: str) -> list[LabelledPosition]:
        """Return the position of a row."""
        row = row_of(line, self._columns)
        fen = checked_fen(row[self.config.fen_column])
        policy = None
        if self.config.best_column is not None:
            policy = {checked_move(fen, row[self.config.best_column].strip()): 1.0}
        return [LabelledPosition(fen, f"position {fen}", policy, self._value(row, fen))]

    def _value(self, row: dict[str, str], fen: str) -> float | None:
        """Return the value for the side to move, if the row says one."""
        config = self.config
        if config.chance_column is not None:
            own = 2.0 * _number(row[config.chance_column]) - 1.0
            if not -1.0 <= own <= 1.0:
                raise BadRow("chance outside 0 to 1")
        elif config.evaluation_column is not None:
            own = float(value_of_centipawns(self._centipawns(row[config.evaluation_column])))
        else:
            return None
        return for_side_to_move(own, fen) if config.numbers_of == "white" else own

    def _centipawns(self, text: str) -> float:
        mate = _MATE.fullmatch(text.strip())
        if mate and int(mate[3]):
            moves = int(mate[3])
            return centipawns_of_mate(-moves if "-" in mate[1] + mate[2] else moves)
        centipawns = _number(text) * (100 if self.config.unit == "pawns" else 1)
        if abs(centipawns) > _MOST_CP:
            raise BadRow("evaluation out of range")
        return centipawns


def _number(text: str) -> float:
    """Read a plain number: no exponent, no nan, ASCII digits only."""
    if not _NUMBER.fullmatch(text.strip()):
        raise BadRow("no number")
    return float(text)

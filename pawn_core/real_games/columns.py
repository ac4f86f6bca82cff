"""Games as columns, in memory and as the files of a cache, which only grow.

Shapes: g games, m moves of all games, one game after the other.
"""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

TOKENS, ENDS, OUTCOMES, ELOS, DIGESTS = "tokens", "ends", "outcomes", "elos", "digests"


class ColumnFile(NamedTuple):
    """How a column lies on the disk, little-endian."""

    name: str
    dtype: str
    per_game: int
    """Values of a game; 0: one of each of its moves."""

    def size(self, games: int, moves: int) -> int:
        """Return the bytes that so many games, of so many moves in all, take."""
        return np.dtype(self.dtype).itemsize * (games * self.per_game or moves)

    def map(self, folder: Path, games: int, moves: int) -> NDArray[np.generic]:
        """Return the values in the file, memory-mapped; a game a row where it has several."""
        count = games * self.per_game if self.per_game else moves
        if count == 0:
            return np.empty(0, self.dtype)
        values = np.memmap(folder / self.name, self.dtype, mode="r", shape=(count,))
        return values.reshape(games, self.per_game) if self.per_game > 1 else values


COLUMN_FILES = (
    ColumnFile(TOKENS, "<i2", 0),
    ColumnFile(ENDS, "<i8", 1),
    ColumnFile(OUTCOMES, "<i2", 1),
    ColumnFile(ELOS, "<i2", 2),
    ColumnFile(DIGESTS, "<u8", 1),
)


@dataclass(frozen=True)
class Columns:
    """Some games, in searchless tokens."""

    tokens_m: NDArray[np.int16]
    lengths_g: NDArray[np.int64]
    outcomes_g: NDArray[np.int16]
    """Outcome token, -1 where there is none."""
    elos_g2: NDArray[np.int16]
    """White's and Black's, -1 where unknown."""
    digests_g: NDArray[np.uint64]
    """Of the moves alone."""

    def __len__(self) -> int:
        """Return the number of games."""
        return len(self.lengths_g)

    def take(self, chosen_g: NDArray[np.bool_]) -> "Columns":
        """Return some of the games."""
        if chosen_g.all():
            return self
        per_game = (getattr(self, f.name)[chosen_g] for f in fields(self)[1:])
        return Columns(self.tokens_m[np.repeat(chosen_g, self.lengths_g)], *per_game)

    def first(self, count: int) -> "Columns":
        """Return the first games, so many at most."""
        return self.take(np.arange(len(self)) < count)

    def files(self, moves_before: int) -> dict[str, NDArray[np.generic]]:
        """Return what each file has of these games behind so many moves of others."""
        ends_g = moves_before + np.cumsum(self.lengths_g)
        values = (self.tokens_m, ends_g, self.outcomes_g, self.elos_g2, self.digests_g)
        return {
            file.name: np.ascontiguousarray(column, file.dtype)
            for file, column in zip(COLUMN_FILES, values, strict=True)
        }

"""Positions of games that Stockfish plays, labelled by its search; what is taken is a domain's.

The policy is softmax(cp / 100) over the best five moves, the value that of the best.
"""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import Field

from pawn_core.config import ConfigError
from pawn_core.config.types import Seed
from pawn_core.positions.records import LabelledPosition
from pawn_core.positions.sources.domains import DOMAINS, WalkedPositions
from pawn_core.positions.sources.game_positions import at_most
from pawn_core.positions.sources.source import Parcel, SourceConfig
from pawn_core.positions.sources.walks import WalkedPosition, Walks
from pawn_core.positions.values import policy_of_centipawns, value_of_centipawns
from pawn_core.tasks import TaskSettings
from pawn_core.tasks.analysis import Analysis, Analyst

PREFIX = "stockfish:"


class AnalysisConfig(SourceConfig):
    """How a chess program is asked."""

    INCIDENTAL: ClassVar[frozenset[str]] = frozenset(
        {"stockfish_path", "stockfish_workers", "analysis_cache"}
    )

    seed: Annotated[Seed, Field(description="of the games")] = 0
    stockfish_depth: Annotated[
        int, Field(ge=1, le=40, description="plies of every search: labels and moves played")
    ] = 8
    stockfish_path: Annotated[
        str | None, Field(description="default: stockfish on the PATH or in /usr/games")
    ] = None
    stockfish_workers: Annotated[int, Field(ge=1, le=256, description="programs at once")] = 1
    analysis_cache: Annotated[
        str | None, Field(description="file of analyses; default: below the user's cache folder")
    ] = None

    def analyst(self) -> Analyst:
        """Start the program.

        Raises:
            ConfigError: it is not there.
        """
        cache = None if self.analysis_cache is None else Path(self.analysis_cache)
        return Analyst(
            TaskSettings(
                stockfish_path=self.stockfish_path,
                stockfish_depth=self.stockfish_depth,
                stockfish_workers=self.stockfish_workers,
                analysis_cache=cache,
            )
        )


class Analysed(ABC):
    """Positions without end that a chess program labels, of some games at a time by number."""

    ENDLESS: ClassVar[bool] = True
    AT_ONCE: ClassVar[int]
    """Games of a parcel."""

    def __init__(self, config: AnalysisConfig) -> None:
        """Start the program."""
        self._analyst = config.analyst()

    @property
    def versions(self) -> dict[str, Any]:
        """The program's."""
        return {"program": self._analyst.program}

    def parcels(self, place: Any = None) -> Iterator[Parcel]:
        """Yield the positions of some games at a time, without end.

        Raises:
            ConfigError: the program failed over all positions of some games.
        """
        first = place or 0
        while True:
            numbers = range(first, first + self.AT_ONCE)
            first = numbers.stop
            taken, counts = self._labelled(numbers)
            yield Parcel(taken, first, counts)

    def close(self) -> None:
        """End the program."""
        self._analyst.close()

    @abstractmethod
    def _labelled(self, numbers: range) -> tuple[list[LabelledPosition], Counter[str]]:
        """Return the positions of some games, and how many were not taken by reason."""


class StockfishConfig(AnalysisConfig):
    """Which positions of its games are taken."""

    per_game: Annotated[
        int | None,
        Field(ge=1, le=10_000, description="positions of a game at most: siblings are alike"),
    ] = 8


class Stockfish(Analysed):
    """The positions of a domain; games are walks."""

    Config: ClassVar[type[SourceConfig]] = StockfishConfig
    AT_ONCE: ClassVar[int] = 16  # some 1,200 searches

    def __init__(self, name: str, config: StockfishConfig) -> None:
        """Start the program."""
        self._domain = next(d for d in DOMAINS if PREFIX + d.name == name)
        super().__init__(config)
        self._walks = Walks(self._analyst, config.seed)
        self._per_game = config.per_game

    def _labelled(self, numbers: range) -> tuple[list[LabelledPosition], Counter[str]]:
        positions, failed = self._walked(numbers)
        require_some(positions, self._analyst)
        takes_n = self._domain.takes(WalkedPositions(positions))
        of_domain = [positions[row] for row in np.flatnonzero(takes_n)]
        taken = self._of_games(of_domain)
        counts = {
            "not of the domain": len(positions) - len(of_domain),
            "more of a game": len(of_domain) - len(taken),
            "analysis failed": failed,
        }
        return [labelled(position) for position in taken], Counter(counts)

    def _of_games(self, positions: list[WalkedPosition]) -> list[WalkedPosition]:
        """Return at most `per_game` positions of each game: any of them with equal chances."""
        if self._per_game is None:
            return positions
        of_games: dict[str, list[WalkedPosition]] = {}
        for position in positions:
            of_games.setdefault(position.game, []).append(position)
        return [
            position
            for game, of_game in of_games.items()
            for position in at_most(self._per_game, of_game, f"{self._domain.name} {game}")
        ]

    def _walked(self, numbers: range) -> tuple[list[WalkedPosition], int]:
        if not self._domain.from_endgames:
            return self._walks.from_start(numbers)
        half = range(numbers.start // 2, numbers.stop // 2)
        endgames, games = self._walks.from_endgames(half), self._walks.from_start(half)
        return endgames[0] + games[0], endgames[1] + games[1]


def require_some(positions: list[WalkedPosition], analyst: Analyst) -> None:
    """Refuse a program that fails over everything: it would be asked for ever.

    Raises:
        ConfigError: there are no positions.
    """
    if not positions:
        raise ConfigError(
            f"{analyst.program} failed over every position that it was asked about; "
            "stockfish_path names another program"
        )


def labelled(position: WalkedPosition) -> LabelledPosition:
    """Return a position with what the program found."""
    return LabelledPosition(position.fen, position.game, *labels_of(position.analysis))


def labels_of(analysis: Analysis) -> tuple[dict[str, float], float]:
    """Return policy and value of an analysed position."""
    ucis, centipawns = zip(*analysis.lines, strict=True)
    shares = policy_of_centipawns(centipawns).tolist()
    return dict(zip(ucis, shares, strict=True)), float(value_of_centipawns(centipawns[0]))

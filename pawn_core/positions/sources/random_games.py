"""Positions of random games, one of each, labelled by a chess program's search.

A position costs one search, and none has siblings: there are as many games as positions.
"""

from collections import Counter
from typing import Annotated, ClassVar, Self

import chess_engine
from pydantic import Field, model_validator

from pawn_core.positions.records import LabelledPosition
from pawn_core.positions.sources.source import SourceConfig
from pawn_core.positions.sources.stockfish import Analysed, AnalysisConfig, labelled, require_some
from pawn_core.positions.sources.walks import WalkedPosition


class RandomGamesConfig(AnalysisConfig):
    """Which positions of random games are drawn."""

    min_ply: Annotated[int, Field(ge=0, le=10_000, description="moves made before, at least")] = 0
    max_ply: Annotated[int, Field(ge=0, le=10_000, description="moves made before, at most")] = 200
    men_max: Annotated[int, Field(ge=3, le=32, description="men on the board at most")] = 32

    @model_validator(mode="after")
    def _check_plies(self) -> Self:
        if self.min_ply > self.max_ply:
            raise ValueError(f"min_ply {self.min_ply} is past max_ply {self.max_ply}")
        return self


class RandomGames(Analysed):
    """Positions by the number of their game."""

    Config: ClassVar[type[SourceConfig]] = RandomGamesConfig
    AT_ONCE: ClassVar[int] = 1_024

    def __init__(self, name: str, config: RandomGamesConfig) -> None:
        """Start the program."""
        super().__init__(config)
        self._config = config

    def _labelled(self, numbers: range) -> tuple[list[LabelledPosition], Counter[str]]:
        config = self._config
        drawn = chess_engine.sample_positions(
            numbers,
            seed=config.seed,
            min_ply=config.min_ply,
            max_ply=config.max_ply,
            men_max=config.men_max,
        )
        rows = zip(numbers, drawn.plies.tolist(), drawn.fens, strict=True)
        analyses = self._analyst.analyses(drawn.fens)
        analysed = [
            WalkedPosition(f"random {config.seed} {number}", ply, fen, analysis)
            for (number, ply, fen), analysis in zip(rows, analyses, strict=True)
            if analysis is not None
        ]
        require_some(analysed, self._analyst)
        positions = [labelled(position) for position in analysed]
        return positions, Counter({"analysis failed": len(numbers) - len(positions)})

"""What text tasks are made by: the fields of a config that they read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple, Self

import chess_engine
from chess_engine import TaskPositions

from pawn_core.config.games import DEFAULT_VAL_SEED
from pawn_core.config.text_tasks import Stage, TextTasksConfig


class Difficulty(NamedTuple):
    """Which positions are drawn."""

    hard_ratio: float = 0.0
    """Probability that a position is of a hard stratum."""
    men_max: int = 32
    """Most men on the board."""


_PLAIN = Difficulty()


@dataclass(frozen=True)
class TaskSettings:
    """How prompts are made and verified."""

    shares: Mapping[str, float] = field(default_factory=lambda: {"policy": 0.8, "environment": 0.2})
    """Probability of each task of a mixture; they add up to 1."""
    task_format: Literal["native", "normalised"] = "normalised"
    """Columns padded with blanks, or single blanks."""
    history: bool = True
    """Whether `A:` prompts have the last ten moves."""
    illegal_ratio: float = 0.1
    """Probability that the move of an `A:` prompt is illegal."""
    difficulty: Difficulty = _PLAIN
    curriculum: tuple[Stage, ...] = ()
    """By first step, ascending; before the first and without any: `difficulty`."""
    min_ply: int = 0
    max_ply: int = 200
    stockfish_path: str | None = None
    """Default: stockfish on the PATH or in /usr/games."""
    stockfish_depth: int = 6
    stockfish_workers: int = 1
    analysis_cache: Path | None = None
    """File; default: below the user's cache folder."""
    val_seed: int = DEFAULT_VAL_SEED
    val_prompts: int = 256
    """Held-out prompts of each task."""

    @classmethod
    def of(cls, config: TextTasksConfig) -> Self:
        """Return the settings of a run."""
        kept = config.analysis_cache
        return cls(
            shares=config.task_shares or {},
            task_format=config.task_format,
            history=config.history,
            illegal_ratio=config.illegal_ratio,
            difficulty=Difficulty(config.hard_ratio, config.men_max),
            curriculum=config.stages,
            min_ply=config.min_ply,
            max_ply=config.max_ply,
            stockfish_path=config.stockfish_path,
            stockfish_depth=config.stockfish_depth,
            stockfish_workers=config.stockfish_workers,
            analysis_cache=None if kept is None else Path(kept),
            val_seed=config.val_seed,
            val_prompts=config.val_prompts,
        )

    def difficulty_at(self, step: int) -> Difficulty:
        """Return what is drawn from at a step."""
        begun = [stage for stage in self.curriculum if stage.first_step <= step]
        return Difficulty(begun[-1].hard_ratio, begun[-1].men_max) if begun else self.difficulty

    def positions(self, seed: int, numbers: Sequence[int], difficulty: Difficulty) -> TaskPositions:
        """Return positions by number, none of a finished game."""
        return chess_engine.sample_positions(
            numbers,
            seed=seed,
            min_ply=self.min_ply,
            max_ply=self.max_ply,
            hard_ratio=difficulty.hard_ratio,
            men_max=difficulty.men_max,
        )

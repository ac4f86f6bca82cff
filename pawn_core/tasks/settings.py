"""What text tasks are made by: the fields of a config that they read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple


class Difficulty(NamedTuple):
    """Which positions are drawn."""

    hard_ratio: float = 0.0
    """Probability that a position is of a hard stratum."""
    men_max: int = 32
    """Most men on the board."""


_PLAIN = Difficulty()


class Stage(NamedTuple):
    """A part of a curriculum."""

    first_step: int
    difficulty: Difficulty


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
    max_ply: int = 120
    stockfish_path: str | None = None
    """Default: stockfish on the PATH or in /usr/games."""
    stockfish_depth: int = 6
    stockfish_workers: int = 1
    analysis_cache: Path | None = None
    """File; default: below the user's cache folder."""
    val_seed: int = 2_000_000_011
    val_prompts: int = 256
    """Held-out prompts of each task."""

    def difficulty_at(self, step: int) -> Difficulty:
        """Return what is drawn from at a step."""
        begun = [stage for stage in self.curriculum if stage.first_step <= step]
        return begun[-1].difficulty if begun else self.difficulty

"""Ceilings on accuracy, computed in parts that are kept. Never imports torch.

Shapes: g games, 8 numbers that a game adds (`chess_engine.compute_ceiling_sums`).
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import chess_engine
import numpy as np
from chess_engine import AccuracyCeiling
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from pawn_core.durable import replace_file
from pawn_core.text_path import text_path

Sums = NDArray[np.float64]
Progress = Callable[[int], object]

NUMBERS = 8
_SUMS, _RULES = "sums", "rules"


@dataclass(frozen=True)
class CeilingRules:
    """Which games, and how positions are looked at: all that decides what a game adds."""

    seed: int
    max_ply: int | None
    """By default 512 in "searchless", 256 in "coordinate"."""
    vocabulary: str
    sample_rate: float
    rollouts: int

    def sums(self, first: int, games: int, progress: Progress | None = None) -> Sums:
        """Return what games `first .. first + games - 1` add, (g, 8).

        Args:
            progress: called with the games done, the first ones counted.

        Raises:
            ValueError: a rule is outside its range.
        """
        return chess_engine.compute_ceiling_sums(
            games,
            first_game=first,
            progress=(lambda done, _: progress(first + done)) if progress else None,
            **asdict(self),
        )

    def combined(self, sums_g8: Sums, resamples: int) -> AccuracyCeiling:
        """Return the ceilings of games 0, 1, .., bit for bit those computed in one go."""
        rules = {name: value for name, value in asdict(self).items() if name != "sample_rate"}
        return chess_engine.combine_ceiling_sums(sums_g8, resamples=resamples, **rules)


def compute_in_parts(
    rules: CeilingRules, games: int, part: int, path: Path | None, progress: Progress
) -> Iterator[Sums]:
    """Yield what games 0, 1, .. add, after each part of so many games, up to all of them.

    Args:
        path: file that keeps them, so that a later call goes on where this one stopped; None for
            none.

    Raises:
        ValueError: the file is no such file, or of other rules; a rule is outside its range.
    """
    sums_g8 = load_sums(path, rules) if path and path.exists() else np.empty((0, NUMBERS))
    if len(sums_g8) >= games:
        yield sums_g8[:games]
    while len(sums_g8) < games:
        count = min(part, games - len(sums_g8))
        sums_g8 = np.concatenate([sums_g8, rules.sums(len(sums_g8), count, progress)])
        if path:
            save_sums(path, rules, sums_g8)
        yield sums_g8


def save_sums(path: Path, rules: CeilingRules, sums_g8: Sums) -> None:
    """Write what games 0, 1, .. add to a file, in one step that survives a crash."""
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, save({_SUMS: sums_g8}, {_RULES: json.dumps(asdict(rules))}))


def load_sums(path: Path, rules: CeilingRules) -> Sums:
    """Return the sums of a file.

    Raises:
        ValueError: it is no such file, or its sums are of other rules.
    """
    with text_path(path) as readable:
        try:
            with safe_open(readable, "numpy") as file:
                saved = json.loads(file.metadata()[_RULES])
                sums_g8 = file.get_tensor(_SUMS)
        except (SafetensorError, KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path} holds no sums of ceilings: {error}") from None
    for name, value in asdict(rules).items():
        if saved.get(name) != value:
            raise ValueError(
                f"{path} was computed with {name} {saved.get(name)}, not {value}: "
                "remove it, or write elsewhere"
            )
    return sums_g8

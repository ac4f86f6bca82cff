"""A text task of the tests' own, as one file: which side is to move."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import ClassVar

import numpy as np

from pawn_core.config.tasks import TaskKind
from pawn_core.tasks import Difficulty, Scores, TaskPrompt, TaskSettings

_COMPONENTS: Mapping[str, float] = MappingProxyType({"side": 1.0})
RIDDLES = TaskKind("riddles", "R: ", "riddles:Riddles", _COMPONENTS, "side")
"""Its entry."""


class Riddles:
    """Tell the side to move."""

    name: ClassVar[str] = "riddles"
    strata: ClassVar[tuple[str, ...]] = ("black",)

    def __init__(self, settings: TaskSettings) -> None:
        self._settings = settings

    def strata_at(self, seed: int, numbers: Sequence[int], difficulty: Difficulty) -> list[int]:
        """Return whether Black is to move."""
        return [prompt.strata for prompt in self.prompts(seed, numbers, difficulty)]

    def prompts(
        self, seed: int, numbers: Sequence[int], difficulty: Difficulty
    ) -> list[TaskPrompt]:
        """Return positions without their side."""
        fens = self._settings.positions(seed, numbers, difficulty).fens
        return [
            TaskPrompt(self.name, number, f"R: {fen.split()[0]}", fen, int(side == "b"), f" {side}")
            for number, fen, side in zip(
                numbers, fens, (fen.split()[1] for fen in fens), strict=True
            )
        ]

    def completions(self, prompts: Sequence[TaskPrompt]) -> list[str]:
        """Return the sides."""
        return [prompt.answer for prompt in prompts]

    def score(self, prompts: Sequence[TaskPrompt], completions: Sequence[str]) -> Scores:
        """Compare sides."""
        pairs = zip(prompts, completions, strict=True)
        right = np.array([prompt.answer == told for prompt, told in pairs], dtype=np.float64)
        return Scores({"side": right}, {}, np.ones(len(prompts), dtype=np.bool_))

    def close(self) -> None:
        """Give up nothing."""

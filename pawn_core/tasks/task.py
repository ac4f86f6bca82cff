"""What a text task is, and what it makes and verifies.

Shapes: n completions.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from pawn_core.tasks.settings import Difficulty, TaskSettings


class TaskPrompt(NamedTuple):
    """What a model is given, and what its completions are compared with."""

    task: str
    number: int
    """Of the prompt in its seed."""
    text: str
    fen: str
    strata: int
    """What makes it hard: a bit of each of the task's `strata`."""
    answer: Any
    """What verification needs, as the task has it; None where the verifier failed."""

    @property
    def valid(self) -> bool:
        """Whether there is an answer; a prompt without one is dropped and counted."""
        return self.answer is not None


class Scores(NamedTuple):
    """What was verified of completions."""

    components: Mapping[str, NDArray[np.float64]]
    """(n,) each, from 0 to 1: those that the task's `TaskKind` names, in that order."""
    details: Mapping[str, NDArray[Any]]
    """(n, ..) each: the figures behind them, such as an error in pawns; nan where undefined."""
    valid: NDArray[np.bool_]
    """(n,) False: the verifier failed. The components then say nothing, and there is no reward."""


class Scored(NamedTuple):
    """Completions of one task, and what was verified of them."""

    task: str
    rows: NDArray[np.int64]
    """(n,) which of the batch's completions they are."""
    prompts: Sequence[TaskPrompt]
    """(n,), one for each completion."""
    completions: Sequence[str]
    scores: Scores


class TextTask(Protocol):
    """A task of text: prompts from a seed, right completions, verified ones.

    Its entry in `pawn_core.config.tasks.TASKS` names it and its components.
    """

    name: ClassVar[str]
    strata: ClassVar[tuple[str, ...]]
    """Names of what makes a prompt hard, in the order of the bits; a prompt without is plain."""

    def __init__(self, settings: TaskSettings) -> None:
        """Start what verification needs.

        Raises:
            ConfigError: it is not there, such as a chess program.
        """
        ...

    def strata_at(self, seed: int, numbers: Sequence[int], difficulty: Difficulty) -> list[int]:
        """Return what makes each of the prompts hard, without the cost of answers."""
        ...

    def prompts(
        self, seed: int, numbers: Sequence[int], difficulty: Difficulty
    ) -> list[TaskPrompt]:
        """Return prompts by number: one of a seed and difficulty is fixed, whatever the batch."""
        ...

    def completions(self, prompts: Sequence[TaskPrompt]) -> list[str]:
        """Return the right completions of valid prompts."""
        ...

    def score(self, prompts: Sequence[TaskPrompt], completions: Sequence[str]) -> Scores:
        """Verify completions, one for each prompt; a prompt may come several times."""
        ...

    def close(self) -> None:
        """Give up what verification needed."""
        ...

"""Tasks side by side: which prompt is of which task, and all of them verified in one batch."""

from collections.abc import Iterable, Sequence
from pkgutil import resolve_name
from typing import Self

import numpy as np

from pawn_core.config.tasks import task_kind
from pawn_core.tasks.held_out import stratified
from pawn_core.tasks.settings import TaskSettings
from pawn_core.tasks.task import Scored, TaskPrompt, TextTask

_CHOICE = 1 << 63
"""Apart from the seeds, which are smaller: what chooses a task draws from a stream of its own."""
_NO_END = " +\N{HORIZONTAL ELLIPSIS}"
"""One word and one field too many, whatever stands before."""


class Mixture:
    """The tasks that have a share; used as a context manager.

    Raises:
        ConfigError: a task is unknown, or what verifies it is not there.
    """

    def __init__(self, settings: TaskSettings) -> None:
        self._settings = settings
        self.tasks: dict[str, TextTask] = {}
        try:
            for name, share in settings.shares.items():
                kind = task_kind(name)
                if share > 0.0:
                    self.tasks[name] = resolve_name(kind.implementation)(settings)
        except BaseException:
            self.close()
            raise
        self._names = list(self.tasks)
        self._ends = np.cumsum([settings.shares[name] for name in self._names])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Give up what verification needed."""
        for task in self.tasks.values():
            task.close()

    def prompts(self, seed: int, first: int, count: int, step: int = 0) -> list[TaskPrompt]:
        """Return prompts `first .. first + count - 1` of a seed, as hard as they are at a step.

        A prompt is fixed by seed, number and the step's difficulty, whatever the batch. Those whose
        verifier failed are among them, not valid.
        """
        difficulty = self._settings.difficulty_at(step)
        numbers = {name: [] for name in self._names}
        for number in range(first, first + count):
            numbers[self._task_of(seed, number)].append(number)
        prompts = [
            prompt
            for name, chosen in numbers.items()
            if chosen
            for prompt in self.tasks[name].prompts(seed, chosen, difficulty)
        ]
        return sorted(prompts, key=lambda prompt: prompt.number)

    def held_out(self) -> dict[str, list[TaskPrompt]]:
        """Return `val_prompts` prompts of each task by name, of every stratum about as many.

        They are those of `val_seed` whatever the curriculum, and always the same.
        """
        settings = self._settings
        wanted = settings.val_seed, settings.val_prompts, settings.difficulty
        return {name: stratified(task, *wanted) for name, task in self.tasks.items()}

    def completions(self, prompts: Sequence[TaskPrompt]) -> list[str]:
        """Return the right completions of valid prompts of any tasks."""
        right: dict[int, str] = {}
        for name, rows in self._by_task(prompts).items():
            texts = self.tasks[name].completions([prompts[row] for row in rows])
            right |= dict(zip(rows, texts, strict=True))
        return [right[row] for row in range(len(prompts))]

    def score(
        self,
        prompts: Sequence[TaskPrompt],
        completions: Sequence[str],
        ended: Iterable[bool] | None = None,
    ) -> list[Scored]:
        """Verify completions, one for each prompt, task by task.

        One that did not end is read as if something stood behind it: no whole answer, though its
        parts may be right. Default: all ended.
        """
        if ended is not None:
            pairs = zip(completions, ended, strict=True)
            completions = [text if over else text + _NO_END for text, over in pairs]
        return [
            self._scored(name, rows, prompts, completions)
            for name, rows in self._by_task(prompts).items()
        ]

    def _scored(
        self,
        name: str,
        rows: list[int],
        prompts: Sequence[TaskPrompt],
        completions: Sequence[str],
    ) -> Scored:
        asked, told = [prompts[row] for row in rows], [completions[row] for row in rows]
        scores = self.tasks[name].score(asked, told)
        return Scored(name, np.array(rows), asked, told, scores)

    def _task_of(self, seed: int, number: int) -> str:
        uniform = np.random.Generator(np.random.Philox(key=(seed ^ _CHOICE, number))).random()
        chosen = int(np.searchsorted(self._ends, uniform * self._ends[-1], side="right"))
        return self._names[min(chosen, len(self._names) - 1)]

    def _by_task(self, prompts: Sequence[TaskPrompt]) -> dict[str, list[int]]:
        """Return the rows of each task's prompts."""
        rows: dict[str, list[int]] = {name: [] for name in self._names}
        for row, prompt in enumerate(prompts):
            rows[prompt.task].append(row)
        return {name: of_task for name, of_task in rows.items() if of_task}

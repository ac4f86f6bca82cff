"""Prompts that are kept for measuring: of what is rare as many as of what is not."""

from itertools import count as numbers_from

from pawn_core.tasks.settings import Difficulty
from pawn_core.tasks.task import TaskPrompt, TextTask

_HARD_RATIO = 0.5
_AT_ONCE = 64
_LOOKED_AT = 8
"""Prompts looked through for each that is wanted, at most."""
PLAIN = "plain"
"""What a prompt is that nothing makes hard."""


def strata_of(task: TextTask, prompt: TaskPrompt) -> list[str]:
    """Return the names of what makes a prompt hard, or that it is plain."""
    return _names(task, prompt.strata)


def stratified(task: TextTask, seed: int, count: int, difficulty: Difficulty) -> list[TaskPrompt]:
    """Return the first prompts of a seed by which every stratum is had about as often.

    Half of all positions are then drawn for what makes them hard, whatever `difficulty` says. A
    stratum that is too rare is filled up with the first prompts of any.
    """
    difficulty = difficulty._replace(hard_ratio=_HARD_RATIO)
    return task.prompts(seed, _chosen(task, seed, count, difficulty), difficulty)


def _chosen(task: TextTask, seed: int, count: int, difficulty: Difficulty) -> list[int]:
    missing = dict.fromkeys((*task.strata, PLAIN), -(-count // (len(task.strata) + 1)))
    chosen: list[int] = []
    for first in range(0, _LOOKED_AT * count, _AT_ONCE):
        numbers = range(first, first + _AT_ONCE)
        for number, bits in zip(numbers, task.strata_at(seed, numbers, difficulty), strict=True):
            names = _names(task, bits)
            if len(chosen) < count and any(missing[name] > 0 for name in names):
                chosen.append(number)
                missing.update({name: missing[name] - 1 for name in names})
        if len(chosen) == count:
            break
    others = (number for number in numbers_from() if number not in chosen)
    return sorted(chosen + [next(others) for _ in range(count - len(chosen))])


def _names(task: TextTask, bits: int) -> list[str]:
    return [name for bit, name in enumerate(task.strata) if bits >> bit & 1] or [PLAIN]

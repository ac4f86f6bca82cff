"""Verified tasks of text: prompts from seeds, right completions, and what completions are worth.

`Mixture` makes and verifies the prompts of the tasks in `pawn_core.config.tasks.TASKS`; a `Scheme`
makes rewards of what was verified. Knows nothing of models.
"""

from pawn_core.tasks.held_out import strata_of
from pawn_core.tasks.mixture import Mixture
from pawn_core.tasks.schemes import Scheme, build_scheme, rewards_of
from pawn_core.tasks.settings import Difficulty, TaskSettings
from pawn_core.tasks.task import Scored, Scores, TaskPrompt, TextTask

__all__ = [
    "Difficulty",
    "Mixture",
    "Scheme",
    "Scored",
    "Scores",
    "TaskPrompt",
    "TaskSettings",
    "TextTask",
    "build_scheme",
    "rewards_of",
    "strata_of",
]

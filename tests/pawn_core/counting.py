"""A third text task and the smallest policy: rewards for letters, without chess, in no time."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from safetensors.torch import save_file

from pawn_core.config import Architecture, tasks
from pawn_core.config.tasks import TaskKind
from pawn_core.language import TextModelSpec, new_text_model
from pawn_core.run_paths import MODEL, TEXT_MODEL
from pawn_core.tasks.settings import Difficulty, TaskSettings
from pawn_core.tasks.task import Scores, TaskPrompt

LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz")
COUNTING: dict[str, Any] = {
    "run_type": "grpo",
    "task_shares": {"counting": 1.0},
    "total_steps": 6,
    "batch_size": 4,
    "group_size": 4,
    "max_new_tokens": 8,
    "lr": 1e-3,
    "eval_interval": 3,
    "checkpoint_interval": 3,
    "val_prompts": 4,
    "num_workers": 1,
    "amp_dtype": "none",
    "device": "cpu",
    "local_checkpoints": True,
}


class Counting:
    """The share of a completion's eight tokens that are small letters."""

    name: ClassVar[str] = "counting"
    strata: ClassVar[tuple[str, ...]] = ("odd",)
    broken: ClassVar[frozenset[int]] = frozenset()
    """Numbers of prompts for which the verifier fails."""

    def __init__(self, settings: TaskSettings) -> None:
        pass

    def strata_at(self, seed: int, numbers: Sequence[int], difficulty: Difficulty) -> list[int]:
        return [number % 2 for number in numbers]

    def prompts(
        self, seed: int, numbers: Sequence[int], difficulty: Difficulty
    ) -> list[TaskPrompt]:
        return [TaskPrompt(self.name, n, f"C: {(seed + n) % 1000}", "", n % 2, n) for n in numbers]

    def completions(self, prompts: Sequence[TaskPrompt]) -> list[str]:
        return ["letters" for _ in prompts]

    def score(self, prompts: Sequence[TaskPrompt], completions: Sequence[str]) -> Scores:
        counts = [sum(character in LETTERS for character in text) / 8 for text in completions]
        valid = [prompt.number not in self.broken for prompt in prompts]
        return Scores({"count": np.array(counts)}, {}, np.array(valid, dtype=np.bool_))

    def close(self) -> None:
        pass


KIND = TaskKind(
    name="counting",
    prefix="C: ",
    headline="count",
    implementation="counting:Counting",
    components={"count": 1.0},
)


def register(patch: pytest.MonkeyPatch | None = None) -> None:
    """Add the task to the registry; for good without a patch that is undone."""
    patch = patch or pytest.MonkeyPatch()
    patch.setattr(tasks, "TASKS", (*tasks.TASKS, KIND))


def write_base(folder: Path, seed: int = 1, context: int = 32, **sizes: int) -> Path:
    """Write an untrained model of text as its checkpoint has it."""
    sizes = {"d_model": 16, "n_layers": 1, "n_heads": 2, "d_ff": 32} | sizes
    spec = TextModelSpec("characters", Architecture(**sizes), context)
    model = new_text_model(spec, seed)
    folder.mkdir(parents=True)
    save_file(model.model.state_dict(), folder / MODEL)
    (folder / TEXT_MODEL).write_text(json.dumps(model.document()))
    return folder

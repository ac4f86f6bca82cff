"""A run type of the tests' own: no optimizer, no model, items answered one after the other.

`python answering.py ...` is `pawn-train` with it.
"""

import random
import sys
from typing import Any, ClassVar, Literal

import pytest
import torch
from pydantic import Field

from pawn_core import config as configs
from pawn_core.checkpoint.store import Checkpoint
from pawn_core.config import registry
from pawn_core.config.facts import Merit, Progress
from pawn_core.config.registry import RunType
from pawn_core.config.run import RunConfig
from pawn_core.config.types import ABLATION, FIXED_ON_RESUME, StepCount
from pawn_core.run_paths import CONFIG, STATE
from pawn_core.training.run import Run
from pawn_core.training.setup import Setup
from pawn_core.training.task import Task

ANSWERS = "answers.safetensors"


class AnsweringConfig(RunConfig):
    """Answer items at random and count how many answers are right."""

    progress: ClassVar[Progress] = Progress("total_items", "item")
    merit: ClassVar[Merit] = Merit("accuracy", "high")
    checkpoint_files: ClassVar[frozenset[str]] = frozenset({STATE, CONFIG, ANSWERS})
    measured_on: ClassVar[frozenset[str]] = frozenset({"choices"})
    incidental: ClassVar[frozenset[str]] = RunConfig.incidental | {"report_interval"}

    run_type: Literal["answering"] = Field(
        "answering", description="Kind of run.", json_schema_extra=FIXED_ON_RESUME
    )
    total_items: StepCount = Field(20, description="Items to answer.")
    report_interval: StepCount = Field(5, description="Items between eval records.")
    choices: int = Field(
        4, ge=1, le=100, description="Answers to an item.", json_schema_extra=ABLATION
    )


class Answering(Task):
    """Guesses, and what has been guessed."""

    def __init__(self, setup: Setup) -> None:
        assert isinstance(setup.config, AnsweringConfig)
        self._config = setup.config
        self._answers: list[int] = []
        self._evaluated = 0

    def advance(self, run: Run) -> None:
        """Answer one item; 0 is the right answer."""
        self._answers.append(random.randrange(self._config.choices))

    def evaluate(self, run: Run) -> None:
        """Write the accuracy so far."""
        if run.is_due(self._config.report_interval) and self._evaluated != run.step:
            run.record("eval", self.last_metrics())
            self._evaluated = run.step

    def last_metrics(self) -> dict[str, Any]:
        """Return the accuracy so far."""
        return {"accuracy": self._answers.count(0) / max(1, len(self._answers))}

    def checkpoint(self, run: Run) -> Checkpoint:
        """Return the answers."""
        tensors = {ANSWERS: {"answers": torch.tensor(self._answers)}}
        config = self._config.model_dump(mode="json")
        state = run.shared_state() | {"evaluated": self._evaluated}
        return Checkpoint(run.step, tensors, state, config)

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go on after the answers given."""
        self._answers = checkpoint.tensors[ANSWERS]["answers"].tolist()
        self._evaluated = checkpoint.training_state["evaluated"]


ANSWERING = RunType("answering", AnsweringConfig, f"{__name__}:Answering")


def register(monkeypatch: pytest.MonkeyPatch) -> None:
    """Add the run type's one entry for a test, wherever the tuple has been imported to."""
    before = registry.RUN_TYPES
    for module in list(sys.modules.values()):
        if getattr(module, "RUN_TYPES", None) is before:
            monkeypatch.setattr(module, "RUN_TYPES", (*before, ANSWERING))


if __name__ == "__main__":
    registry.RUN_TYPES = configs.RUN_TYPES = (*registry.RUN_TYPES, ANSWERING)
    from pawn_core.cli import main

    sys.exit(main())

"""The task of the tests' own run type."""

import random
import time
from typing import Any

import torch
from answering import ANSWERS, AnsweringConfig

from pawn_core.checkpoint.store import Checkpoint
from pawn_core.training.run import Run
from pawn_core.training.setup import Setup
from pawn_core.training.task import Task


class Answering(Task):
    """Guesses, and what has been guessed."""

    def __init__(self, setup: Setup) -> None:
        assert isinstance(setup.config, AnsweringConfig)
        self._config = setup.config
        self._answers: list[int] = []
        self._evaluated = 0

    def advance(self, run: Run) -> None:
        """Answer one item; 0 is the right answer."""
        guesses = [random.randrange(self._config.choices) for _ in range(self._config.tries)]
        self._answers.append(min(guesses))
        time.sleep(self._config.item_s)

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

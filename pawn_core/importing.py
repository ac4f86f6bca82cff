"""Taking over weights from elsewhere: the `import` run type."""

from typing import Any

import torch

from pawn_core.checkpoint.store import Checkpoint
from pawn_core.config import ConfigError, ImportConfig
from pawn_core.run_paths import MODEL
from pawn_core.training.run import Run
from pawn_core.training.setup import Setup
from pawn_core.training.task import Task
from pawn_core.weights.spec import published_form
from pawn_core.weights.subject import Subject, load_subject

_ORIGIN = "imported"
"""In the checkpoint's config: where the weights are from."""


class Importing(Task):
    """Reads and checks the weights before its only step, which saves them."""

    def __init__(self, setup: Setup) -> None:
        config = setup.config
        assert isinstance(config, ImportConfig)
        self._config = config
        self._subject = load_subject(config.weights, setup.run_dir, setup.runtime.device)
        _check(self._subject, config)

    def describe(self) -> dict[str, Any]:
        """Return where the weights are from, and of what model they are."""
        return {"parameters": self._subject.parameters, **self._subject.document()}

    def advance(self, run: Run) -> None:
        """Leave the weights as they are."""

    def checkpoint(self, run: Run) -> Checkpoint:
        """Return the weights, with a config that says what they are as a published one does."""
        subject = self._subject
        tensors = {MODEL: subject.pretrained.model.state_dict()}
        origin = {"run_type": self._config.run_type, _ORIGIN: subject.document()["weights"]}
        config = published_form("import", subject.pretrained.spec, _trained_by(subject)) | origin
        return Checkpoint(run.step, tensors, run.shared_state(), config)

    def restore(self, checkpoint: Checkpoint) -> None:
        """Refuse to go on.

        Raises:
            ValueError: always; a run type that is not `resumable` is not asked for more.
        """
        raise ValueError("an import is over with its only step")


def _trained_by(subject: Subject) -> dict[str, Any]:
    """Return what is known of the training, without what the published form says elsewhere."""
    form = published_form("import", subject.pretrained.spec, {})
    elsewhere = {*form, *form["model_config"], _ORIGIN}
    return {name: v for name, v in subject.trained_by.items() if name not in elsewhere}


def _check(subject: Subject, config: ImportConfig) -> None:
    if subject.pretrained.adapted is not None:
        raise ConfigError(
            f"weights {config.weights!r} are an adapter on a backbone; merge it first "
            "(scripts/merge_adapter.py) and name the folder that this writes"
        )
    if config.sha256 not in (None, subject.sha256):
        raise ConfigError(
            f"weights {config.weights!r} are not those that were meant: their SHA-256 is "
            f"{subject.sha256}, not {config.sha256}"
        )
    for name, tensor in subject.pretrained.model.state_dict().items():
        if not torch.isfinite(tensor).all():
            raise ConfigError(f"weights {config.weights!r} are damaged: {name} is not finite")

"""A model that a run starts from or measures, from any source of weights."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from pawn_core.checkpoint import CheckpointError
from pawn_core.checkpoint.manifest import checkpoint_step, file_sha256
from pawn_core.config import ConfigError
from pawn_core.weights.backbone import Backbone
from pawn_core.weights.load import Pretrained, load_files
from pawn_core.weights.source import Files, find
from pawn_core.weights.spec import as_trained, training_facts
from pawn_core.weights.trials import place_of


@dataclass(frozen=True)
class Subject:
    """A model with its weights, and which they are."""

    pretrained: Pretrained
    source: str
    """As the config names them."""
    path: str
    """The file that they were read from; of an adapted model that of its adapter."""
    sha256: str
    """Of that file."""
    revision: str | None
    """The commit of the repository that it is from; None where it is from none."""
    step: int | None
    """Of the checkpoint that they belong to; None where they belong to none."""
    trained_by: dict[str, Any]
    """The config beside the plain weights, a backbone's too; empty where there is none."""
    adapted_by: dict[str, Any]
    """The config of the adapter; empty where there is none."""

    @property
    def parameters(self) -> int:
        """Parameters of the model."""
        return sum(parameter.numel() for parameter in self.pretrained.model.parameters())

    def document(self) -> dict[str, Any]:
        """Return what identifies it, as JSON."""
        names = ("source", "path", "revision", "sha256", "step")
        weights = {name: getattr(self, name) for name in names}
        spec = self.pretrained.spec.document() | {"parameters": self.parameters}
        adapted = self.pretrained.adapted
        return {"weights": weights, "model": spec} | (adapted.document() if adapted else {})

    def as_backbone(self) -> Backbone:
        """Return what an adapter's checkpoint says of these weights.

        Raises:
            ConfigError: they are an adapter's, whose backbone would be another.
        """
        if self.pretrained.adapted is not None:
            strategy = self.pretrained.adapted.adapter.config.strategy
            raise ConfigError(
                f"checkpoint {self.source!r} is itself an adapter ({strategy}) on a backbone; "
                "merge it first (scripts/merge_adapter.py) and name the folder that this writes"
            )
        path = str(Path(self.path).absolute())
        model = self.pretrained.spec.document()
        return Backbone(self.source, path, self.sha256, self.revision, self.step, model)


def load_subject(source: str, run_dir: Path, device: torch.device) -> Subject:
    """Return the model of a source; `trial:N` is a sibling of the trial that `run_dir` is in.

    Raises:
        ConfigError: there are no such weights, they are damaged or of no model of this family.
    """
    try:
        return _subject(source, find(place_of(source, run_dir)), device)
    except (CheckpointError, OSError) as error:
        raise ConfigError(f"weights {source!r}: {error}") from None


def load_backbone(backbone: Backbone, run_dir: Path, device: torch.device) -> Subject:
    """Return the very weights that an adapter was trained on, wherever they are by now.

    Raises:
        ConfigError: they are gone, or others are in their place.
    """
    try:
        return _subject(backbone.source, backbone.find(run_dir), device)
    except (CheckpointError, OSError) as error:
        raise ConfigError(f"checkpoint {backbone.source!r}: {error}") from None


def _subject(source: str, files: Files, device: torch.device) -> Subject:
    pretrained = load_files(files, device)
    pretrained.model.requires_grad_(False)
    adapted, own = pretrained.adapted, _facts(files)
    return Subject(
        pretrained,
        source,
        str(files.model),
        file_sha256(files.model),
        files.revision,
        checkpoint_step(files.model.parent) or checkpoint_step(files.model.parent.parent),
        trained_by=_facts(adapted.files) if adapted else own,
        adapted_by=own if adapted else {},
    )


def _facts(files: Files) -> dict[str, Any]:
    return as_trained(training_facts(files.config or {}), files.model.parent)

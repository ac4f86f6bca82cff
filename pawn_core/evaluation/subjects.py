"""Models that are measured: of moves, or of positions, as what lies beside their weights says."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from pawn_core.checkpoint import CheckpointError
from pawn_core.config import ConfigError
from pawn_core.config.evals import MOVES, POSITIONS
from pawn_core.position_model import LoadedPositionModel, load_position_model
from pawn_core.run_paths import POSITION_MODEL
from pawn_core.weights import Pretrained
from pawn_core.weights.source import companion, find
from pawn_core.weights.spec import as_trained, training_facts
from pawn_core.weights.subject import Subject, load_subject
from pawn_core.weights.trials import place_of

_LONGEST_GAME = 512
"""Plies at which games of a model of positions, which reads no history, are cut by default."""
_MOST_PLIES = 1024
"""Those that it can be told to play."""


@dataclass(frozen=True)
class PositionSubject:
    """A model of positions, and which it is: as `weights.subject.Subject` of a model of moves."""

    pretrained: LoadedPositionModel
    trained_by: dict[str, Any]
    """The config beside the weights; empty where there is none."""
    adapted_by: dict[str, Any] = field(default_factory=dict)

    @property
    def sha256(self) -> str:
        """Of the file that the weights were read from."""
        return self.pretrained.origin.sha256

    @property
    def step(self) -> int | None:
        """Of the checkpoint that they belong to; None where they belong to none."""
        return self.pretrained.origin.step

    @property
    def parameters(self) -> int:
        """Parameters of the model."""
        return sum(parameter.numel() for parameter in self.pretrained.model.parameters())

    def document(self) -> dict[str, Any]:
        """Return what identifies it, as JSON."""
        origin = self.pretrained.origin
        names = ("source", "path", "revision", "sha256", "step")
        spec = self.pretrained.model.spec.document() | {"parameters": self.parameters}
        return {"weights": {name: getattr(origin, name) for name in names}, "model": spec}


AnySubject = Subject | PositionSubject


def load_measured(source: str, run_dir: Path, device: torch.device) -> AnySubject:
    """Return the model of a source, of whichever kind it is.

    Raises:
        ConfigError: there are no such weights, they are damaged or of neither kind.
    """
    try:
        place = str(place_of(source, run_dir))
        files = find(place)
        of_positions = companion(place, files, POSITION_MODEL) is not None
    except (CheckpointError, OSError) as error:
        raise ConfigError(f"weights {source!r}: {error}") from None
    if not of_positions:
        return load_subject(source, run_dir, device)
    loaded = load_position_model(source, run_dir, device)
    loaded.model.requires_grad_(False)
    facts = training_facts(files.config or {})
    return PositionSubject(loaded, as_trained(facts, files.model.parent))


def speech_of(subject: AnySubject) -> str:
    """Return what the model reads and writes, as run types say it."""
    return POSITIONS if isinstance(subject, PositionSubject) else MOVES


def most_plies(pretrained: Pretrained | LoadedPositionModel) -> int:
    """Return the plies of the longest game that a model can play."""
    return _MOST_PLIES if isinstance(pretrained, LoadedPositionModel) else pretrained.spec.max_ply


def longest_game(pretrained: Pretrained | LoadedPositionModel) -> int:
    """Return the plies at which its games are cut where nothing else is said."""
    of_positions = isinstance(pretrained, LoadedPositionModel)
    return _LONGEST_GAME if of_positions else pretrained.spec.max_ply

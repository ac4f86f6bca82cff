"""The model that is evaluated, from any source of weights."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from pawn_core.checkpoint import CheckpointError
from pawn_core.checkpoint.errors import IncompleteCheckpointError
from pawn_core.checkpoint.manifest import (
    checkpoint_step,
    file_sha256,
    finished,
    latest_verified,
)
from pawn_core.config import ConfigError
from pawn_core.config.weights import TrialWeights
from pawn_core.run_paths import RunPaths
from pawn_core.text_path import is_folder
from pawn_core.uploads.backlog import notable
from pawn_core.weights import Pretrained
from pawn_core.weights.load import load_files
from pawn_core.weights.source import find
from pawn_core.weights.spec import training_facts


@dataclass(frozen=True)
class Subject:
    """A model with its weights, and which they are."""

    pretrained: Pretrained
    source: str
    """As the config names them."""
    path: str
    """The file that they were read from."""
    sha256: str
    """Of that file."""
    revision: str | None
    """The commit of the repository that it is from; None where it is from none."""
    step: int | None
    """Of the checkpoint that they belong to; None where they belong to none."""
    trained_by: dict[str, Any]
    """The config beside them; empty where there is none."""

    @property
    def parameters(self) -> int:
        """Parameters of the model."""
        return sum(parameter.numel() for parameter in self.pretrained.model.parameters())

    def document(self) -> dict[str, Any]:
        """Return what identifies it, as JSON."""
        spec = asdict(self.pretrained.spec)
        model = {**spec, "architecture": self.pretrained.spec.architecture._asdict()}
        names = ("source", "path", "revision", "sha256", "step")
        weights = {name: getattr(self, name) for name in names}
        return {"weights": weights, "model": {**model, "parameters": self.parameters}}


def load_subject(source: str, run_dir: Path, device: torch.device) -> Subject:
    """Return the model of a source; `trial:N` is a sibling of the trial that `run_dir` is in.

    Raises:
        ConfigError: there are no such weights, they are damaged or of no model of this family.
    """
    try:
        files = find(_place(source, run_dir))
        pretrained = load_files(files, device)
    except (CheckpointError, OSError) as error:
        raise ConfigError(f"weights {source!r}: {error}") from None
    pretrained.model.requires_grad_(False)
    return Subject(
        pretrained,
        source,
        str(files.model),
        file_sha256(files.model),
        files.revision,
        checkpoint_step(files.model.parent) or checkpoint_step(files.model.parent.parent),
        training_facts(files.config or {}),
    )


def _place(source: str, run_dir: Path) -> str | Path:
    """Return a source with trials and run folders replaced by a checkpoint of theirs."""
    reference = TrialWeights.parse(source)
    if reference is not None:
        return _of_trial(reference, run_dir)
    paths = RunPaths(Path(source))
    if not is_folder(paths.checkpoints):
        return source
    newest = latest_verified(paths.checkpoints)
    if newest is None:
        raise IncompleteCheckpointError(f"{paths.checkpoints} holds no whole checkpoint")
    return newest


def _of_trial(reference: TrialWeights, run_dir: Path) -> Path:
    run = RunPaths.in_trial(_sibling(reference.trial, run_dir))
    saved = finished(run.checkpoints)
    if not saved:
        raise IncompleteCheckpointError(f"trial {reference.trial} has saved no checkpoint")
    checkpoint = _chosen(reference, run, saved)
    return _member(checkpoint, reference)


def _sibling(trial: int, run_dir: Path) -> Path:
    """Return a trial's folder beside that of the run's own trial."""
    trials = run_dir.absolute().parent.parent
    for folder in trials.iterdir() if trials.is_dir() else ():
        if folder.name.isdecimal() and int(folder.name) == trial:
            return folder
    raise IncompleteCheckpointError(
        f"there is no trial {trial} beside {run_dir.absolute().parent}; outside of a lab, name "
        "the checkpoint's folder"
    )


def _chosen(reference: TrialWeights, run: RunPaths, saved: dict[int, Path]) -> Path:
    if reference.which == "latest":
        return saved[max(saved)]
    if reference.which == "best":
        best = notable(run.root, model=reference.model).best
        if not best:
            raise IncompleteCheckpointError(
                f"trial {reference.trial} has no evaluation at a saved step; saved: "
                f"{', '.join(map(str, saved))}"
            )
        return next(iter(best.values()))
    if reference.which not in saved:
        raise IncompleteCheckpointError(
            f"trial {reference.trial} has no checkpoint of step {reference.which}; saved: "
            f"{', '.join(map(str, saved))}"
        )
    return saved[reference.which]


def _member(checkpoint: Path, reference: TrialWeights) -> Path:
    """Return the checkpoint of the one model that is meant."""
    models = sorted(path.name for path in checkpoint.iterdir() if path.is_dir())
    if reference.model in models:
        return checkpoint / reference.model
    if models or reference.model:
        named = f"no model {reference.model!r}" if reference.model else "several models"
        example = f"{reference}:{models[0]}" if not reference.model and models else ""
        raise IncompleteCheckpointError(
            f"trial {reference.trial} has {named}; it has: {', '.join(models) or 'one, unnamed'}"
            + (f"; name one, as in {example}" if example else "")
        )
    return checkpoint

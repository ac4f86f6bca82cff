"""Weights that are named by the trial or the run that made them."""

from pathlib import Path

from pawn_core.checkpoint.errors import IncompleteCheckpointError
from pawn_core.checkpoint.manifest import finished, latest_verified
from pawn_core.config.weights import TrialWeights
from pawn_core.run_paths import RunPaths
from pawn_core.text_path import is_folder
from pawn_core.uploads.backlog import notable


def place_of(source: str, run_dir: Path) -> str | Path:
    """Return a source with trials and run folders replaced by a checkpoint of theirs.

    Args:
        run_dir: a run in a trial's folder, beside which `trial:N` is looked for.

    Raises:
        IncompleteCheckpointError: there is no such trial, model or checkpoint.
    """
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
        f"there is no trial {trial} in {trials}; outside of a lab, name the checkpoint's folder"
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

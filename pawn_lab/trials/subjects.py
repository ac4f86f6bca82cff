"""The weights that a config names, of other trials or in files: fixed when a trial is launched."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pawn_core.checkpoint.manifest import checkpoint_name
from pawn_core.config import RUN_TYPES, RunConfig
from pawn_core.config.facts import PathKind
from pawn_core.config.real_games import is_hub_id
from pawn_core.config.weights import TrialWeights
from pawn_core.text_path import is_there
from pawn_lab.configs import StoredConfig
from pawn_lab.errors import InvalidConfigError, InvalidRequestError
from pawn_lab.paths import WorkspacePaths
from pawn_lab.store.rows import TrialRow
from pawn_lab.trials import checks, lineage
from pawn_lab.trials.variants import SINGLE

_PATHS = ("/", "./", "../", "~")


def named(config: StoredConfig) -> dict[str, TrialWeights]:
    """Return the weights of other trials that a config names, by field."""
    return dict(_named(config.kind, config))


def _named(kind: type[RunConfig], values: Mapping[str, Any]) -> Iterator[tuple[str, TrialWeights]]:
    for field in sorted(kind.weights_fields):
        source = values.get(field)
        with contextlib.suppress(ValueError):  # a config of another version
            weights = TrialWeights.parse(source) if isinstance(source, str) else None
            if weights is not None:
                yield field, weights


def fixed(config: RunConfig, rows: Mapping[int, TrialRow], workspace: WorkspacePaths) -> RunConfig:
    """Return a config whose weights are those of a step, and whose paths begin at the root.

    Args:
        rows: the trials that it names, by number.

    Raises:
        NoCheckpointError: a trial has no such checkpoint that can be trusted.
        InvalidRequestError: a trial has several models and none of them is named, or no such one.
        InvalidConfigError: a file does not exist.
    """
    changes: dict[str, str] = {}
    for field, value in config.weights_named().items():
        weights = TrialWeights.parse(value)
        if weights is None:
            changes[field] = _absolute(field, value)
            continue
        trial = rows[weights.trial]
        if field in config.builds_on():
            _check_plain(field, trial)
        _check_speech(field, weights, trial, config)
        if misfit := config.misfit(field, trial.config):
            raise InvalidRequestError(f"{field} '{weights}': {misfit}")
        changes[field] = str(_at_a_step(weights, trial, workspace))
    for field, names in sorted(config.path_fields.items()):
        if (source := getattr(config, field)) is not None:
            changes[field] = _PLACED[names](field, source)
    if all(getattr(config, field) == value for field, value in changes.items()):
        return config
    chosen = config.model_dump(mode="json", exclude_unset=True)  # what follows stays unset
    return checks.checked_config(chosen | changes)


def _check_plain(field: str, trial: TrialRow) -> None:
    """Refuse to build on weights that are built on others themselves."""
    if trial.config.kind.builds_on():
        raise InvalidRequestError(
            f"{field} 'trial:{trial.id}' is an adapter itself: merge it first "
            "(scripts/merge_adapter.py) and name the folder that this writes"
        )


def _check_speech(field: str, weights: TrialWeights, trial: TrialRow, config: RunConfig) -> None:
    """Refuse weights of a model that reads and writes something else."""
    kind, taken = trial.config.kind, config.takes(field)
    if kind.makes_weights() and kind.speaks not in taken:
        alike = (t for t in RUN_TYPES if t.config.speaks in taken)
        allowed = ", ".join(t.name for t in alike if t.config.makes_weights())
        raise InvalidRequestError(
            f"{field} '{weights}' is of run_type '{trial.config['run_type']}', whose models speak "
            f"{kind.speaks}; {config.reader(field)} takes models that speak "
            f"{' or '.join(sorted(taken))}: trials of run_type {allowed}"
        )


def located(config: RunConfig, workspace: WorkspacePaths) -> RunConfig:
    """Return a config that names weights of other trials by the folders that they are in."""
    places = folders(StoredConfig.of(config), workspace)
    return config.model_copy(update={n: str(place) for n, place in places.items()})


def folders(config: StoredConfig, workspace: WorkspacePaths) -> dict[str, Path]:
    """Return the checkpoints of other trials that a config names by their steps, by field."""
    return {
        field: workspace.trial(weights.trial).checkpoints / checkpoint_name(weights.which)
        for field, weights in named(config).items()
        if isinstance(weights.which, int)
    }


def _at_a_step(weights: TrialWeights, trial: TrialRow, workspace: WorkspacePaths) -> TrialWeights:
    models = trial.config.models
    if not trial.config.kind.makes_weights():
        raise InvalidRequestError(
            f"trial {trial.id} is of run_type '{trial.config['run_type']}', which makes no weights"
        )
    if (weights.model or SINGLE) not in models:
        named_model = f"no model {weights.model!r}" if weights.model else "several models"
        example = "" if weights.model else f"; name one, as in {weights}:{models[0]}"
        names = ", ".join(models) if models != [SINGLE] else "one, without a name"
        raise InvalidRequestError(f"trial {trial.id} has {named_model}; it has: {names}{example}")
    paths = workspace.trial(trial.id)
    point = lineage.resume_point(trial, paths, weights.which, weights.model)
    return weights.at(point.checkpoint.step)


def _games(field: str, source: str) -> str:
    """Return a path as one that holds in the trial's folder too, and a data set's id as it is."""
    return source if is_hub_id(source) and not is_there(source) else _present(field, source)


def _program(field: str, command: str) -> str:
    """Return a path as one that holds in the trial's folder too, and a name for the PATH as is."""
    return _present(field, command) if "/" in command else command


def _kept(field: str, path: str) -> str:
    """Return the path of a file from the root on, which is made where there is none.

    Raises:
        InvalidConfigError: it could not be made there.
    """
    if not Path(path).absolute().parent.is_dir():
        raise InvalidConfigError(f"{field} {path!r}: there is no folder to make it in")
    return str(Path(path).absolute())


def _present(field: str, path: str) -> str:
    """Return the path of a file or folder from the root on."""
    if not is_there(path):
        raise InvalidConfigError(f"{field} {path!r} does not exist")
    return str(Path(path).absolute())


_PLACED: Mapping[PathKind, Callable[[str, str], str]] = {
    "games": _games,
    "program": _program,
    "kept": _kept,
    "folder": _present,
}


def _absolute(field: str, value: str) -> str:
    """Return a path as one that holds in the trial's folder too, and what is no path as it is."""
    path = Path(value)
    is_path = value.startswith(_PATHS) or path.suffix == ".safetensors"
    return _present(field, value) if is_path or is_there(value) else value

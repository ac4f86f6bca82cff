"""Resuming: which checkpoint a new trial starts from and what may differ from its parent."""

from pathlib import Path
from typing import Any, NamedTuple

from pawn_core.checkpoint import CheckpointError, Manifest, verify
from pawn_core.checkpoint.manifest import by_step
from pawn_core.config import ConfigError, RunConfig, changed, parse_config
from pawn_core.config.weights import Which
from pawn_lab.configs import StoredConfig
from pawn_lab.errors import (
    InvalidConfigError,
    InvalidRequestError,
    NoCheckpointError,
    TrialStateError,
    UnsafeOverrideError,
)
from pawn_lab.shim.rules import Limits
from pawn_lab.states import ACTIVE
from pawn_lab.store.rows import TrialRow
from pawn_lab.trial_paths import TrialPaths
from pawn_lab.trials import checks, streams, variants


class ResumePoint(NamedTuple):
    """A verified checkpoint, and why others were passed over for it."""

    checkpoint: Manifest
    rejected: dict[str, str]


class Continuation(NamedTuple):
    """A trial to resume: its row, its verified checkpoint, and the config that it goes on with."""

    parent: TrialRow
    point: ResumePoint
    config: RunConfig


def check_resumable(parent: TrialRow, which: Which) -> None:
    """Refuse to resume a trial that still goes on, unless from a step, which is a fork.

    Raises:
        TrialStateError: the parent is queued, launching or running, or of a run type of which
            nothing goes on.
        InvalidRequestError: `which` is neither a step nor latest nor best.
    """
    if which not in ("latest", "best") and (type(which) is not int or which < 0):
        raise InvalidRequestError(
            f"checkpoint {which!r} is not allowed: latest, best or a step that was saved"
        )
    if not parent.config.kind.resumable:
        raise TrialStateError(
            f"trial {parent.id} is of run_type '{parent.config['run_type']}', which leaves nothing "
            f"to go on with; an eval trial measures its weights, trial:{parent.id}"
        )
    if parent.state in ACTIVE and not isinstance(which, int):
        raise TrialStateError(
            f"trial {parent.id} is {parent.state}; only a trial that has ended can be "
            "resumed: wait for its end, kill it first, or fork it from a saved step"
        )


def resume_point(
    parent: TrialRow, paths: TrialPaths, which: Which, model: str = variants.SINGLE
) -> ResumePoint:
    """Find the checkpoint that is asked for among those whose every file matches its hash.

    The best is that of all its models, or of one that is named.

    Raises:
        NoCheckpointError: there is none; lists what is wrong with those that exist.
    """
    rejected: dict[str, str] = {}
    for path in _candidates(parent, paths, which, model):
        try:
            return ResumePoint(verify(path), rejected)
        except (CheckpointError, OSError) as error:
            rejected[path.name] = str(error)
    raise NoCheckpointError(_nothing_to_resume(parent, rejected))


def _candidates(parent: TrialRow, paths: TrialPaths, which: Which, model: str) -> list[Path]:
    """Return the checkpoints that would do, in the order in which to try them."""
    saved, unit = by_step(paths.checkpoints), parent.config.kind.progress.unit
    merit = parent.config.kind.merit
    if which == "latest" or (which == "best" and not merit.exists):
        return list(reversed(saved.values()))
    if which == "best":
        evaluations = streams.evaluations(paths, merit)
        of_model = variants.records_of(evaluations, model) if model else evaluations
        values = variants.by_step(of_model, merit.metric)
        ranked = [saved[step] for step in merit.best_first(values) if step in saved]
        if saved and not ranked:
            raise NoCheckpointError(
                f"trial {parent.id} has no {merit.called} at a saved {unit}; saved: "
                f"{', '.join(map(str, saved))}"
            )
        return ranked
    if saved and which not in saved:
        raise NoCheckpointError(
            f"trial {parent.id} has no checkpoint of {unit} {which}; saved: "
            f"{', '.join(map(str, saved))}"
        )
    return [saved[step] for step in saved if step == which]


def resumed_config(
    parent: TrialRow, step: int, overrides: dict[str, Any], pause_after_steps: int | None
) -> RunConfig:
    """Return the parent's config with the overrides; it pauses only where the caller says so.

    Raises:
        UnsafeOverrideError: an override of a field that the checkpoint decides.
        InvalidConfigError: the result is no valid config, or has nothing left to do.
    """
    changes = {"pause_after_steps": pause_after_steps} | overrides
    try:
        config = parse_config(changed(parent.config, changes))
    except ConfigError as error:
        _check_fixed_fields(parent, overrides)
        raise InvalidConfigError(str(error)) from error
    _check_fixed_fields(parent, config.model_dump(mode="json"))
    _check_length(StoredConfig.of(config).on_games_of(parent.config).fitted or config, step)
    checks.check_supported(config)
    return config


def _check_fixed_fields(parent: TrialRow, wanted: dict[str, Any]) -> None:
    fixed = _config_type(parent).fields_marked("fixed_on_resume")
    for field in fixed:
        if field in wanted and wanted[field] != parent.config[field]:
            raise UnsafeOverrideError(
                f"{field} {wanted[field]!r} cannot be resumed from a checkpoint with {field} "
                f"{parent.config[field]!r}; fixed: {', '.join(sorted(fixed))}. Launch a new "
                "trial instead"
            )


def _config_type(parent: TrialRow) -> type[RunConfig]:
    return type(parse_config(parent.config))


def _check_length(config: RunConfig, step: int) -> None:
    length, unit, _ = config.progress
    for field in ("pause_after_steps", length):
        value = getattr(config, field)
        if value is not None and value <= step:
            raise InvalidConfigError(
                f"{field} {value} leaves nothing to do: the checkpoint is at {unit} {step}; "
                f"allowed: {step + 1} or more"
            )


def dropped_limits(parent: TrialRow, limits: Limits) -> list[str]:
    """Return the limits of a trial that do not hold for what continues it."""
    hours, by_forecast = (parent.limits.get(n) for n in ("wall_clock_s", "forecast_every_s"))
    dropped = [f"max_hours {hours / 3600:g}"] if hours and limits.wall_clock_s is None else []
    return dropped + (["stop_by_forecast"] if by_forecast and not limits.forecast_every_s else [])


def _nothing_to_resume(parent: TrialRow, rejected: dict[str, str]) -> str:
    hint = ""
    if parent.checkpoint is not None:
        hint = f"; it was resumed from trial {parent.parent}, which can be resumed again"
    if rejected:
        reasons = "; ".join(rejected.values())
        return f"trial {parent.id} has no checkpoint that can be trusted: {reasons}{hint}"
    return f"trial {parent.id} ({parent.state}) has saved no checkpoint{hint}"

"""Resuming: which checkpoint a new trial starts from and what may differ from its parent."""

from typing import Any, NamedTuple

from pawn_core.checkpoint import CheckpointError, Manifest, verify
from pawn_core.checkpoint.manifest import list_checkpoints
from pawn_core.config import ConfigError, RunConfig, parse_config
from pawn_lab.errors import (
    InvalidConfigError,
    NoCheckpointError,
    TrialStateError,
    UnsafeOverrideError,
)
from pawn_lab.paths import TrialPaths
from pawn_lab.store.database import Row
from pawn_lab.trials import requests
from pawn_lab.trials.states import ACTIVE


class ResumePoint(NamedTuple):
    """The newest verified checkpoint, and why newer ones were passed over."""

    checkpoint: Manifest
    rejected: dict[str, str]


def check_ended(parent: Row) -> None:
    """Refuse to resume a trial that still goes on.

    Raises:
        TrialStateError: the parent is queued, launching or running.
    """
    if parent["state"] in ACTIVE:
        raise TrialStateError(
            f"trial {parent['id']} is {parent['state']}; only a trial that has ended can be "
            "resumed: wait for its end, or kill it first"
        )


def resume_point(parent: Row, paths: TrialPaths) -> ResumePoint:
    """Find the newest checkpoint of a trial whose every file matches its hash.

    Raises:
        NoCheckpointError: there is none; lists what is wrong with those that exist.
    """
    rejected: dict[str, str] = {}
    for path in reversed(list_checkpoints(paths.checkpoints)):
        try:
            return ResumePoint(verify(path), rejected)
        except (CheckpointError, OSError) as error:
            rejected[path.name] = str(error)
    raise NoCheckpointError(_nothing_to_resume(parent, rejected))


def resumed_config(
    parent: Row, step: int, overrides: dict[str, Any], pause_after_steps: int | None
) -> RunConfig:
    """Return the parent's config with the overrides; it pauses only where the caller says so.

    Raises:
        UnsafeOverrideError: an override of a field that the checkpoint decides.
        InvalidConfigError: the result is no valid config, or has no steps left to train.
    """
    changes = {"pause_after_steps": pause_after_steps} | overrides
    try:
        config = parse_config(parent["config"] | changes)
    except ConfigError as error:
        _check_fixed_fields(parent, overrides)
        raise InvalidConfigError(str(error)) from error
    _check_fixed_fields(parent, config.model_dump(mode="json"))
    _check_length(config, step)
    requests.check_supported(config)
    return config


def _check_fixed_fields(parent: Row, wanted: dict[str, Any]) -> None:
    fixed = _config_type(parent).fields_marked("fixed_on_resume")
    for field in fixed:
        if field in wanted and wanted[field] != parent["config"][field]:
            raise UnsafeOverrideError(
                f"{field} {wanted[field]!r} cannot be resumed from a checkpoint with {field} "
                f"{parent['config'][field]!r}; fixed: {', '.join(sorted(fixed))}. Launch a new "
                "trial instead"
            )


def _config_type(parent: Row) -> type[RunConfig]:
    return type(parse_config(parent["config"]))


def _check_length(config: RunConfig, step: int) -> None:
    for field in ("pause_after_steps", "total_steps"):
        value = getattr(config, field)
        if value is not None and value <= step:
            raise InvalidConfigError(
                f"{field} {value} leaves nothing to train: the checkpoint is at step {step}; "
                f"allowed: {step + 1} or more"
            )


def _nothing_to_resume(parent: Row, rejected: dict[str, str]) -> str:
    hint = ""
    if parent["checkpoint"] is not None:
        hint = f"; it was resumed from trial {parent['parent']}, which can be resumed again"
    if rejected:
        reasons = "; ".join(rejected.values())
        return f"trial {parent['id']} has no checkpoint that can be trusted: {reasons}{hint}"
    return f"trial {parent['id']} ({parent['state']}) has saved no checkpoint{hint}"

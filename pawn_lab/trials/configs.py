"""Configs of trials as the database has them, some perhaps of another version of the lab."""

from collections.abc import Iterable
from typing import Any

from pawn_core.config import RUN_TYPES, ConfigError, RunConfig, parse_config
from pawn_core.config.errors import shown
from pawn_lab.records import Trial, TrialResult

Config = dict[str, Any]


def type_of(config: Config) -> type[RunConfig] | None:
    """Return the class of a config; None where its run type is none of this version."""
    name = config.get("run_type")
    return next((run_type.config for run_type in RUN_TYPES if run_type.name == name), None)


def unknown_fields(config: Config) -> Config:
    """Return what a config says that its class here does not have; all of an unknown run type."""
    kind = type_of(config)
    fields = kind.model_fields if kind else {}
    return {name: value for name, value in config.items() if name not in fields}


def known(config: Config) -> RunConfig | None:
    """Return a config as this version reads it, its unknown fields aside; None where it cannot."""
    if type_of(config) is None:
        return None
    strange = unknown_fields(config)
    try:
        return parse_config({n: v for n, v in config.items() if n not in strange})
    except ConfigError:
        return None


def length(config: Config) -> int:
    """Return the whole length of a trial, in the unit of progress of its run type."""
    kind = type_of(config)
    return config[kind.progress.field if kind else "total_steps"]


def target(config: Config) -> int:
    """Return where a trial ends or pauses, in the unit of progress of its run type."""
    return config.get("pause_after_steps") or length(config)


def strangers(trials: Iterable[Trial | TrialResult]) -> list[str]:
    """Say of which trials the config is not one of this version, and why."""
    reasons = ((trial.id, _strange(trial.config)) for trial in trials)
    return [f"{trial_id}: {why}; taken as it is written" for trial_id, why in reasons if why]


def _strange(config: Config) -> str | None:
    if type_of(config) is None:
        return f"run_type {shown(config.get('run_type'))} is unknown here"
    if strange := unknown_fields(config):
        return f"fields unknown here: {', '.join(strange)}"
    return "a config that is refused here" if known(config) is None else None

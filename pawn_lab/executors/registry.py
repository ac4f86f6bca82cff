"""The executors: one entry a kind of place that trials run in."""

from collections.abc import Mapping
from pkgutil import resolve_name
from typing import Any, NamedTuple

from pydantic import ValidationError

from pawn_core.config.errors import ConfigError, config_error, entry_named
from pawn_lab.errors import InvalidRequestError
from pawn_lab.executors.executor import Executor, Settings


class Entry(NamedTuple):
    """An executor: `path` (`module:Class`) is imported when the first trial needs it.

    It is made of its settings, a pydantic class at `settings` that checks them.
    """

    name: str
    path: str
    settings: str


LOCAL = "local"
EXECUTORS: tuple[Entry, ...] = (
    Entry(LOCAL, "pawn_lab.executors.local.local:Local", "pawn_lab.executors.executor:Settings"),
    Entry(
        "slurm",
        "pawn_lab.executors.slurm.slurm:Slurm",
        "pawn_lab.executors.slurm.settings:SlurmSettings",
    ),
    Entry(
        "hf_jobs",
        "pawn_lab.executors.hf_jobs.hf_jobs:HfJobs",
        "pawn_lab.executors.hf_jobs.settings:HfJobsSettings",
    ),
)


def executor_named(name: str, settings: Mapping[str, Any] | None = None) -> Executor:
    """Return the executor of that name with these settings, by default its own.

    Raises:
        InvalidRequestError: no such executor, or a setting that it does not take.
    """
    entry = entry_of(name)
    return resolve_name(entry.path)(checked_settings(entry, settings or {}))


def entry_of(name: str) -> Entry:
    """Return the entry of that name.

    Raises:
        InvalidRequestError: no such executor; lists those there are.
    """
    try:
        return entry_named("executor", name, EXECUTORS)
    except ConfigError as error:
        raise InvalidRequestError(str(error)) from None


def settings_class(entry: Entry) -> type[Settings]:
    """Return the class that checks an executor's settings."""
    return resolve_name(entry.settings)


def checked_settings(entry: Entry, settings: Mapping[str, Any]) -> Settings:
    """Return an executor's settings, checked; text stands for what it says, as it is typed.

    Raises:
        InvalidRequestError: one line for each that is unknown or not allowed.
    """
    model = settings_class(entry)
    try:
        return model.model_validate(dict(settings))
    except ValidationError as error:
        problems = config_error(error, model, f"executor '{entry.name}'")
        raise InvalidRequestError(str(problems)) from None

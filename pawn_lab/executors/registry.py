"""The executors: one entry a kind of place that trials run in."""

from pkgutil import resolve_name
from typing import NamedTuple

from pawn_lab.errors import InvalidRequestError
from pawn_lab.executors.executor import Executor


class Entry(NamedTuple):
    """An executor; `path` (`module:Class`) is imported when the first trial needs it."""

    name: str
    path: str


LOCAL = "local"
EXECUTORS: tuple[Entry, ...] = (Entry(LOCAL, "pawn_lab.executors.local.local:Local"),)


def executor_named(name: str) -> Executor:
    """Return the executor of that name.

    Raises:
        InvalidRequestError: no such executor; lists those there are.
    """
    for entry in EXECUTORS:
        if entry.name == name:
            return resolve_name(entry.path)()
    names = ", ".join(entry.name for entry in EXECUTORS)
    raise InvalidRequestError(f"executor '{name}' is unknown; one of: {names}")

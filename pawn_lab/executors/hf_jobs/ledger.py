"""What was submitted: a file for each attempt, written before the hub is asked for a job.

So a job whose lab died between asking and noting is looked for by its label, and no job runs, and
bills, that nobody knows of.
"""

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, ValidationError

from pawn_core.untrusted import UntrustedFileError
from pawn_lab.clock import Moment
from pawn_lab.documents import load_json_object, own_folder, write_json
from pawn_lab.executors.attempt import Attempt
from pawn_lab.locks import try_lock
from pawn_lab.paths import WorkspacePaths
from pawn_lab.shim.identity import folder_id

LONG_AGO = Moment(0.0, None, None)


class JobRecord(BaseModel):
    """An attempt that was submitted, and what is known of its job."""

    trial: int
    folder: list[int]
    """Which folder this file lies in; in a copy of the workspace it is another one."""
    asked: Moment
    """When the hub was asked for a job."""
    job: str | None = None
    looked: Moment | None = None
    ended: Moment | None = None
    """When the job was first seen ended, and what was said of it."""
    ending: str | None = None
    recorded: Moment | None = None
    """When the end that its shim recorded was first seen."""
    stop_sent: bool = False
    budget_sent: float | None = None
    files: dict[str, str] = {}
    """What was brought here, by path: the hash of its contents."""


def now() -> Moment:
    """Return the present."""
    return Moment.at(time.time())


def file_of(attempt: Attempt) -> Path:
    """Return the file of an attempt."""
    return workspace_of(attempt).job(attempt.token)


def workspace_of(attempt: Attempt) -> WorkspacePaths:
    """Return the workspace that an attempt's trial belongs to."""
    return WorkspacePaths(attempt.paths.root.parent.parent)


def begin(file: Path, trial: int) -> JobRecord:
    """Note that the hub is about to be asked for a job.

    Raises:
        OSError: it cannot be noted, so it must not be asked.
    """
    own_folder(file.parent)
    entry = JobRecord(trial=trial, folder=folder_id(file.parent), asked=now())
    write(file, entry)
    return entry


def read(file: Path) -> JobRecord | None:
    """Return what was noted of an attempt; None where nothing was.

    Of a file that is damaged there is left that a job was asked for: its label finds it.

    Raises:
        OSError: the file cannot be read: nothing may be concluded.
    """
    try:
        return JobRecord.model_validate(load_json_object(file))
    except FileNotFoundError:
        return None
    except (ValidationError, UntrustedFileError):
        return unknown(file, Moment(file.stat().st_mtime, None, None))


def unknown(file: Path, asked: Moment) -> JobRecord:
    """Return what is known of an attempt without its file."""
    return JobRecord(trial=0, folder=folder_id(file.parent), asked=asked)


def write(file: Path, entry: JobRecord) -> None:
    """Write down what is known."""
    write_json(file, entry.model_dump(mode="json"), mode=0o600)


def is_of_copy(file: Path, entry: JobRecord) -> bool:
    """Say whether it was noted in another workspace, of which this one is a copy."""
    return entry.folder != folder_id(file.parent)


@contextlib.contextmanager
def alone(file: Path) -> Iterator[bool]:
    """Yield whether no other process is at this attempt, and keep others away meanwhile."""
    if not file.parent.is_dir():
        yield True  # nothing was submitted from here
        return
    handle = try_lock(file.with_suffix(".lock"))
    try:
        yield handle is not None
    finally:
        if handle is not None:
            os.close(handle)


@contextlib.contextmanager
def kept(file: Path, entry: JobRecord) -> Iterator[None]:
    """Write an entry down after a block that has changed it."""
    before = entry.model_copy(deep=True)
    try:
        yield
    finally:
        if entry != before:
            write(file, entry)


def forget(file: Path) -> None:
    """Remove what was noted of an attempt."""
    file.unlink(missing_ok=True)
    file.with_suffix(".lock").unlink(missing_ok=True)

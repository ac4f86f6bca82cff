"""Every file name of a workspace, spelled once. Standard library only."""

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from pawn_lab.trial_paths import BareRunPaths, TrialPaths

WORKSPACE_VARIABLE = "PAWN_WORKSPACE"
WORKSPACE_NAME = "runs"


def default_workspace(start: Path = Path()) -> Path:
    """Return `PAWN_WORKSPACE`, else the nearest lab upwards, else `runs` in the start folder."""
    if chosen := os.environ.get(WORKSPACE_VARIABLE):
        return Path(chosen)
    return nearest_lab(start) or start / WORKSPACE_NAME


def nearest_lab(start: Path) -> Path | None:
    """Return the lab in this folder or the closest one around it, as git finds a repository."""
    for folder in _upwards(start.absolute()):
        for root in (folder, folder / WORKSPACE_NAME):
            if WorkspacePaths(root).is_lab():
                return root
    return None


def _upwards(start: Path) -> Iterator[Path]:
    """Yield a folder and those around it, to the root of its repository or below the home folder.

    Beyond it lie other projects, whose lab is not meant.
    """
    for folder in (start, *start.parents):
        if folder in (Path.home(), Path(folder.anchor)) and folder != start:
            return
        yield folder
        if (folder / ".git").exists():
            return


class PlotPaths(NamedTuple):
    """The files of one chart."""

    png: Path
    spec: Path


@dataclass(frozen=True)
class WorkspacePaths:
    """The files of one workspace."""

    root: Path

    @property
    def database(self) -> Path:
        """The lab's state."""
        return self.root / "lab.db"

    @property
    def database_files(self) -> tuple[Path, ...]:
        """The database with its write-ahead log and shared-memory index."""
        return tuple(self.root / f"lab.db{suffix}" for suffix in ("", "-wal", "-shm"))

    @property
    def ledger(self) -> Path:
        """How far the database had got, and the prices in it."""
        return self.root / "lab-ledger.json"

    @property
    def executor(self) -> Path:
        """Which executor runs the trials, and its settings; missing: this machine."""
        return self.root / "executor.json"

    @property
    def open_lock(self) -> Path:
        """Held while the database is checked, created or migrated."""
        return self.root / "lab.lock"

    @property
    def closing_lock(self) -> Path:
        """Held while the machine is about to be stopped: nothing is launched meanwhile."""
        return self.root / "closing.lock"

    @property
    def notes(self) -> Path:
        """Lab notes, within their budget."""
        return self.root / "lab-notes.md"

    @property
    def notes_archive(self) -> Path:
        """Older sections of the notes."""
        return self.root / "lab-notes-archive.md"

    @property
    def notes_lock(self) -> Path:
        """Held while the notes are written."""
        return self.root / "lab-notes.lock"

    @property
    def budget_stop(self) -> Path:
        """When shims are to stop their trainers, so that the budget is kept."""
        return self.root / "budget-stop.json"

    @property
    def preflights(self) -> Path:
        """Reports of preflights that passed, a file a shape of runs."""
        return self.root / "preflights"

    @property
    def compiled(self) -> Path:
        """What torch has compiled for trials; may be removed whenever none runs."""
        return self.root / "compiled"

    def preflight(self, shape: str) -> Path:
        """Return the report of the preflight that a shape of runs has passed."""
        return self.preflights / f"{shape}.json"

    def report(self, name: str) -> Path:
        """Return the folder of the report of a study."""
        return self.root / "reports" / name

    @property
    def plots(self) -> Path:
        """Charts that were asked for, as PNG and as altair specification."""
        return self.root / "plots"

    def plot(self, name: str) -> PlotPaths:
        """Return the files of a chart."""
        return PlotPaths(self.plots / f"{name}.png", self.plots / f"{name}.vl.json")

    @property
    def waits(self) -> Path:
        """Waits that clients hold as MCP tasks, one file each."""
        return self.root / "waits"

    def check_in(self, name: str) -> Path:
        """Return how far the check-ins of a name have read; `name` is checked by the caller."""
        return self.root / "checkins" / f"{name}.json"

    @property
    def watch(self) -> Path:
        """Who watches the lab, and how; its time of change is the latest sign of life."""
        return self.root / "watch.json"

    @property
    def watch_lock(self) -> Path:
        """Held while somebody watches the lab."""
        return self.root / "watch.lock"

    @property
    def webhook(self) -> Path:
        """Where events are sent to, for its owner's eyes alone."""
        return self.root / "webhook.json"

    @property
    def webhook_state(self) -> Path:
        """Up to which event they were delivered, and what has kept others from it."""
        return self.root / "webhook-state.json"

    @property
    def plans(self) -> Path:
        """Committed plans of sweeps."""
        return self.root / "plans"

    def plan(self, name: str) -> Path:
        """Return the file of a plan."""
        return self.plans / f"{name}.json"

    @property
    def sweeps_lock(self) -> Path:
        """Held while sweeps are moved on."""
        return self.root / "sweeps.lock"

    @property
    def sweeps(self) -> Path:
        """What belongs to sweeps, by their numbers."""
        return self.root / "sweeps"

    def study(self, sweep_id: int) -> Path:
        """Return the journal of a sweep's study."""
        return self.sweeps / f"{sweep_id:04d}.journal"

    def sweep_record(self, sweep_id: int) -> Path:
        """Return what the database said of a sweep when it last changed."""
        return self.sweeps / f"{sweep_id:04d}.json"

    def sweep_numbers(self) -> set[int]:
        """Return the number of every sweep that has left a file."""
        return set(_numbers(self.sweeps))

    @property
    def jobs(self) -> Path:
        """What was submitted to the queue of another machine: one file an attempt, by its token."""
        return self.root / "jobs"

    def job(self, token: str) -> Path:
        """Return the file of an attempt that was submitted."""
        return self.jobs / f"{token}.json"

    @property
    def trials(self) -> Path:
        """One folder per trial."""
        return self.root / "trials"

    def trial(self, trial_id: int) -> TrialPaths:
        """Return the files of a trial."""
        return TrialPaths(self.trials / f"{trial_id:04d}")

    def unborn(self, trial_id: int) -> Path:
        """Return the folder of a trial until its launch is committed."""
        return self.trials / f".{trial_id:04d}"

    def trial_numbers(self) -> set[int]:
        """Return the number of every trial that has a folder."""
        return set(_numbers(self.trials))

    def has_trials(self) -> bool:
        """Say whether any trial folder exists."""
        return next(_numbers(self.trials), None) is not None

    def may_be_made(self) -> bool:
        """Say whether the folder is missing, empty, or holds what belongs to a lab or another lab.

        A folder of that name may well be another program's, TensorBoard's for one.
        """
        if not self.root.exists():
            return self.root.parent.is_dir()
        entries = [entry for entry in self.root.iterdir() if not entry.name.startswith(".")]
        own = {self.plans.name, self.open_lock.name, self.notes.name, self.ledger.name}
        return not entries or any(e.name in own or WorkspacePaths(e).is_lab() for e in entries)

    def is_lab(self) -> bool:
        """Say whether a lab has been here: its database, or the notes of one."""
        return os.path.lexists(self.database) or os.path.lexists(self.notes)


@dataclass(frozen=True)
class BareWorkspacePaths(WorkspacePaths):
    """The files of a lab that only reads runs of others, whose folders are given by number."""

    folders: Mapping[int, Path]

    def trial(self, trial_id: int) -> TrialPaths:
        """Return the files of a run, as those of a trial."""
        own, folder = super().trial(trial_id), self.folders.get(trial_id)
        return own if folder is None else BareRunPaths(own.root, folder)


def _numbers(folder: Path) -> Iterator[int]:
    """Yield the number that each name begins with; nothing where there is no such folder."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder) as entries:
        for entry in entries:
            stem = entry.name.partition(".")[0]
            if stem.isascii() and stem.isdigit():
                yield int(stem)

"""Run folders that no lab owns, shown as the trials of a lab that only reads."""

import contextlib
import tempfile
import threading
import time
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from pawn_lab.dashboard.exhibit import Exhibit
from pawn_lab.dashboard.run_folders import Stamp, begun_at, row, run_folders, stamp
from pawn_lab.errors import InvalidRequestError
from pawn_lab.executors.choice import executor_of
from pawn_lab.lab import Lab
from pawn_lab.paths import BareWorkspacePaths
from pawn_lab.states import ENDED, State
from pawn_lab.store import Database, trials
from pawn_lab.trial_paths import BareRunPaths
from pawn_lab.trials.launcher import Launcher

MOST_RUNS = 5000


@dataclass
class BareRun:
    """A run as it was last seen."""

    paths: BareRunPaths
    stamp: Stamp | None = None
    row: dict[str, Any] = field(default_factory=dict)


class BareLab(Lab):
    """A lab over runs of others: nothing is launched, and a scheduler has nothing to do."""

    def tick(self) -> None:
        """Leave everything as it is."""


class BareExhibit(Exhibit):
    """The runs below a folder; looked for again while somebody looks.

    The lab's own files lie in a temporary folder.

    Raises:
        InvalidRequestError: there is no such folder.
    """

    mode = "bare"

    def __init__(self, log_dir: Path) -> None:
        if not log_dir.is_dir():
            raise InvalidRequestError(f"log-dir '{log_dir}' is not a folder")
        super().__init__(self._open)
        self._log_dir = log_dir.absolute()
        self._lock = threading.Lock()
        self._runs: dict[int, BareRun] = {}
        self._folders: dict[int, Path] = {}
        self._temporary = tempfile.TemporaryDirectory(prefix="pawn-dashboard-")
        self._paths = BareWorkspacePaths(Path(self._temporary.name).resolve(), self._folders)
        Database.open(self._paths).close()
        self.advance()

    def place(self, lab: Lab) -> Path:
        """Return the folder that is looked through."""
        return self._log_dir

    def advance(self) -> None:
        """Bring the trials in line with the folders; further runs than so many are left out."""
        with self._lock, contextlib.closing(Database.view(self._paths)) as database:
            present = set(islice(run_folders(self._log_dir), MOST_RUNS))
            for folder in sorted(present - {*self._folders.values()}, key=begun_at):
                self._take(folder)
            changed = self._changed(present)
            if changed:
                with database.write() as tx:
                    for number, columns in changed.items():
                        trials.mirror(tx, number, **columns)

    def _take(self, folder: Path) -> None:
        """Give a folder that is new a number, and a place for what the lab keeps of it."""
        number = len(self._runs) + 1
        self._folders[number] = folder
        paths = self._paths.trial(number)
        assert isinstance(paths, BareRunPaths)
        paths.root.mkdir(parents=True)
        self._runs[number] = BareRun(paths)

    def _changed(self, present: set[Path]) -> dict[int, dict[str, Any]]:
        """Return the rows of the runs that say something else than before."""
        changed, now = {}, time.time()
        for number, run in self._runs.items():
            seen = stamp(run.paths, now)
            if run.paths.folder not in present:
                columns = _gone(run.row, now)
            elif seen != run.stamp:
                columns = row(run.paths, self._log_dir, now)
            else:
                continue
            run.stamp = seen
            if columns != run.row:
                run.row = changed[number] = columns
        return changed

    def _open(self) -> Lab:
        executor = executor_of(self._paths)
        return BareLab(self._paths, Database.view(self._paths), executor, [], Launcher())


def _gone(before: dict[str, Any], now: float) -> dict[str, Any]:
    """Return the row of a run whose folder is gone: by its number alone it is still shown."""
    if before["archived_at"] is not None:
        return before
    state = before["state"] if before["state"] in ENDED else State.LOST
    ended_at = before["ended_at"] or now
    told = {"state": state, "message": "its folder is gone", "ended_at": ended_at}
    return before | told | {"archived_at": now}

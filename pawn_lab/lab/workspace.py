"""An open workspace: its folder, its database, its devices, and how its trials are run."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from pawn_lab.paths import WorkspacePaths, default_workspace
from pawn_lab.processes import devices, start, tick
from pawn_lab.processes.limits import Limits
from pawn_lab.store import Database
from pawn_lab.text import clean

MOST_CALLER_CHARACTERS = 40


class OpenWorkspace:
    """What every call of the lab needs."""

    def __init__(
        self,
        paths: WorkspacePaths,
        database: Database,
        inventory: list[devices.Device],
        launcher: start.Launcher,
    ) -> None:
        self.paths = paths
        self._database = database
        self._devices = inventory
        self._launcher = launcher
        self._fresh: bool | None = None
        """Within a call that asks several things: whether a pass was made; None outside of one."""

    @classmethod
    def open(
        cls,
        workspace: Path | None = None,
        *,
        trainer: Sequence[str] = start.TRAINER,
        limits: Limits = Limits(),  # noqa: B008 - frozen
    ) -> Self:
        """Open a workspace, by default `PAWN_WORKSPACE` or `runs`, creating it where needed.

        Raises:
            WorkspaceError: it cannot be written, or its state is damaged or from another version.
        """
        paths = WorkspacePaths(Path(workspace or default_workspace()).absolute())
        launcher = start.Launcher(tuple(trainer), limits)
        return cls(paths, Database.open(paths), devices.inventory(), launcher)

    def on_gpu(self, config: dict[str, Any]) -> bool:
        """Say whether a run of this config computes on a GPU here."""
        return config.get("device") != "cpu" and any(d.kind == "gpu" for d in self._devices)

    def called_by(self, name: str) -> Self:
        """Note who makes the calls from now on: an agent's client, or the command line."""
        caller = clean(name).replace("\n", " ").strip()[:MOST_CALLER_CHARACTERS]
        self._launcher = replace(self._launcher, caller=caller or None)
        return self

    def only_looking(self) -> Self:
        """Read from now on what the last scheduler pass left, and make none."""
        self._fresh = True
        return self

    def close(self) -> None:
        """Close the database; trials go on."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def tick(self) -> None:
        """Bring every trial up to date, launch what fits, and pass on kills."""
        tick.tick(self._database, self.paths, self._devices)
        if self._fresh is not None:
            self._fresh = True

    @contextmanager
    def one_pass(self) -> Iterator[None]:
        """Let what is read within share one scheduler pass; of one thread, and not for waiting."""
        if self._fresh is not None:  # the outer block's pass serves, and so does ours for it
            yield
            return
        self._fresh = False
        try:
            yield
        finally:
            self._fresh = None

    def _refresh(self) -> None:
        """Bring every trial up to date, unless this call has done so."""
        if not self._fresh:
            self.tick()

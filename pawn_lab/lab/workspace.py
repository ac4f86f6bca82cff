"""An open workspace: its folder, its database, its executor, and how its trials are run."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from pawn_lab.errors import NoLabError, WorkspaceNotWritableError
from pawn_lab.executors import choice as choices
from pawn_lab.executors.choice import Choice
from pawn_lab.executors.executor import Device, Executor
from pawn_lab.lab import tick
from pawn_lab.paths import WorkspacePaths, default_workspace
from pawn_lab.shim.rules import Limits
from pawn_lab.store import Database
from pawn_lab.store.database import no_lab
from pawn_lab.text import clean
from pawn_lab.trials.launcher import TRAINER, Launcher

MOST_CALLER_CHARACTERS = 40


class Lab:
    """One workspace of experiments, open: what every call needs."""

    def __init__(
        self,
        paths: WorkspacePaths,
        database: Database,
        executor: Executor,
        inventory: list[Device],
        launcher: Launcher,
        choice: Choice | None = None,
    ) -> None:
        self.paths = paths
        self.database = database
        self.executor = executor
        self.devices = inventory
        self.launcher = launcher
        self.choice = choice
        """The executor as the workspace's file says; None: another one was given."""
        self._fresh: bool | None = None
        """Within a call that asks several things: whether a pass was made; None outside of one."""
        self._refusal: WorkspaceNotWritableError | None = None

    @classmethod
    def open(
        cls,
        workspace: Path | None = None,
        *,
        trainer: Sequence[str] = TRAINER,
        limits: Limits = Limits(),  # noqa: B008 - frozen
        executor: Executor | None = None,
    ) -> Self:
        """Open a workspace as `look` does, and make it where there is none yet.

        Raises:
            WorkspaceError: its state is damaged, from another version, or cannot even be read.
        """
        lab = cls.look(workspace, trainer=trainer, limits=limits, executor=executor)
        lab.create(anywhere=True)
        return lab

    @classmethod
    def look(
        cls,
        workspace: Path | None = None,
        *,
        trainer: Sequence[str] = TRAINER,
        limits: Limits = Limits(),  # noqa: B008 - frozen
        executor: Executor | None = None,
    ) -> Self:
        """Open a workspace, by default `PAWN_WORKSPACE`, else the nearest `runs` upwards.

        Where there is none yet, reading finds no trials; the first launch, price or note makes it.
        Where it cannot be written it can be read, and `refusal` says why. Trials run on the
        executor that the workspace has chosen, by default this machine, unless one is given.

        Raises:
            WorkspaceError: its state is damaged, from another version, or cannot even be read.
        """
        paths = WorkspacePaths(Path(workspace or default_workspace()).absolute())
        launcher = Launcher(tuple(trainer), limits)
        choice = None if executor else choices.read(paths)
        runs = executor or choices.executor_for(paths, choice or Choice())
        return cls(paths, Database.view(paths), runs, runs.devices(), launcher, choice)

    @property
    def exists(self) -> bool:
        """Say whether there is a lab in the folder yet."""
        return self.database.exists

    @property
    def refusal(self) -> WorkspaceNotWritableError | None:
        """Why nothing is recorded or launched at present; None where all is well."""
        return self._refusal

    @property
    def mended(self) -> str | None:
        """What this opening took from the folders because the database lacked it."""
        return self.database.mended

    def check_exists(self) -> None:
        """Refuse to go on where there is no lab.

        Raises:
            NoLabError: names the nearest one.
        """
        if not self.exists:
            raise no_lab(self.paths.root)

    def create(self, *, anywhere: bool = False) -> None:
        """Make the lab where there is none yet; `anywhere`, if told to, beside what else is there.

        Raises:
            NoLabError: the folder is another program's, or would lie in one that is missing.
            WorkspaceError: the folder cannot be written.
        """
        if self.exists:
            return
        if not anywhere and not self.paths.may_be_made():
            raise no_lab(self.paths.root)
        self.database.create()

    @property
    def has_gpu(self) -> bool:
        """Whether trials run on GPUs here."""
        return any(device.kind == "gpu" for device in self.devices)

    def on_gpu(self, config: Mapping[str, Any]) -> bool:
        """Say whether a run of this config computes on a GPU here."""
        return config.get("device") != "cpu" and self.has_gpu

    def called_by(self, name: str) -> Self:
        """Note who makes the calls from now on: an agent's client, or the command line."""
        caller = clean(name).replace("\n", " ").strip()[:MOST_CALLER_CHARACTERS]
        self.launcher = replace(self.launcher, caller=caller or None)
        return self

    def only_looking(self) -> Self:
        """Read from now on what the last scheduler pass left, and make none."""
        self._fresh = True
        return self

    def close(self) -> None:
        """Close the database; trials go on."""
        self.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def tick(self) -> None:
        """Bring every trial up to date, launch what fits, and pass on kills.

        A workspace that cannot be written is left as it is: `refusal` then says why.
        """
        self._refusal = None
        if self.exists:
            self._follow_choice()
            try:
                tick.tick(self.database, self.paths, self.executor, self.devices, self.choice)
            except WorkspaceNotWritableError as error:
                self._refusal = error
        if self._fresh is not None:
            self._fresh = True

    def _follow_choice(self) -> None:
        """Take the executor that was chosen since; no trial holds a device of the former one."""
        if not choices.is_current(self.paths, self.choice):
            self.choice = choices.read(self.paths)
            self.executor = choices.executor_for(self.paths, self.choice)
            self.devices = self.executor.devices()

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

    def refresh(self) -> None:
        """Bring every trial up to date, unless this call has done so."""
        if not self._fresh:
            self.tick()


def opener(workspace: Path) -> Callable[[], Lab]:
    """Return what opens a workspace anew for each call of a server.

    A lab that was there and has been moved is not made again, empty, at its old place.
    """
    existed = False

    def open_lab() -> Lab:
        nonlocal existed
        lab = Lab.look(workspace)
        if existed and not lab.exists:
            raise NoLabError(f"the lab in '{workspace}' is gone: moved, or deleted")
        existed = lab.exists
        return lab

    return open_lab

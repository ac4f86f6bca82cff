"""What the lab asks of whatever runs its trials, and the words both speak.

An executor starts, watches, stops and finds again the shims of trials, and lists its devices. It
remembers nothing for the lab: the database is the truth. An attempt at running a trial has a token
before it is started, and any process finds it by that alone; so an executor puts the token where it
can search for it (a job's name, a label), and looks there before it submits anything twice.

The files of a trial's folder are the whole exchange: the executor gives the shim what
`launch_files` writes, and sees to it that what the shim and the trainer write (`shim.json`,
`exit.json`, the log, the metrics) is in the folder by the time it tells of it.
"""

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, NamedTuple, Protocol

from pydantic import BaseModel, ConfigDict

from pawn_core.machine import Machine
from pawn_lab.executors.attempt import Attempt, Shim
from pawn_lab.paths import WorkspacePaths
from pawn_lab.reporting.exits import ExitRecord
from pawn_lab.store.rows import TrialRow


class Settings(BaseModel):
    """What an executor is told about where it runs trials; as it stands here, nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Ailment(NamedTuple):
    """What keeps trials from being run, and the command that mends it."""

    what: str
    remedy: str


@dataclass(frozen=True)
class Device:
    """Something one trial at a time runs on; `id` stays the same from one listing to the next."""

    id: str
    kind: str
    name: str


class DeviceLoad(NamedTuple):
    """Load of a device; memory in bytes, utilization in percent; None: it cannot be read.

    `processes` are those that compute on it, by PID; none where that cannot be read. In a
    container they may be PIDs of the machine, which mean nothing here.
    """

    memory_used: int | None = None
    memory_total: int | None = None
    temperature_c: int | None = None
    utilization: int | None = None
    processes: tuple[int, ...] = ()


@dataclass(frozen=True)
class Claim:
    """A trial in `launching`, its devices, and its lock, which we hold until it is started.

    While the lock is held nobody takes the launch for one whose launcher has died. Its descriptor
    may be handed on to the shim.
    """

    trial: TrialRow
    devices: list[Device]
    device_count: int
    lock: int
    expected_s: float | None = None
    """How long it takes at most, by trials like it; None: unknown, or nobody asks for it."""
    hourly: float | None = None
    """What an hour of one of its devices costs; None: not known."""

    def release(self) -> None:
        """Let go of our copy of the lock."""
        os.close(self.lock)


class NotStarted(NamedTuple):
    """A claim of which no process was left, and why."""

    claim: Claim
    why: str


class Life(StrEnum):
    """How an attempt is."""

    ALIVE = "alive"
    """It is being launched, waits in the executor's own queue, or has processes."""
    ENDED = "ended"
    """It has no process left, and its shim recorded the end."""
    GONE = "gone"
    """It has no shim left, and nobody recorded the end."""
    ELSEWHERE = "elsewhere"
    """It belongs to another workspace, of which this one is a copy: its processes are not ours."""
    UNKNOWN = "unknown"
    """The executor cannot tell at present; nothing may be concluded from that."""


class Sight(NamedTuple):
    """What was seen of an attempt: who its shim is, and its end, once they were recorded."""

    life: Life
    shim: Shim | None = None
    exit: ExitRecord | None = None
    why: str | None = None
    """Why it is gone, where the executor knows."""


class Executor(Protocol):
    """What runs trials.

    `end`, `recall` and `tend` are called while the database is locked, so that one front end at a
    time acts on an attempt: seconds at most. `start`, `look` and `stop` are not.
    """

    idle_costs: ClassVar[bool] = True
    """Whether a device that no trial holds is paid for: that of a machine is, a slot of a queue of
    jobs is not."""
    has_price_list: ClassVar[bool] = False
    """Whether `cost_per_hour` knows what devices cost."""
    limits_time: ClassVar[bool] = False
    """Whether what it submits has a time limit, so that claims say how long they take."""

    def devices(self) -> list[Device]:
        """Return the devices that trials can run on; none where all are lost.

        Raises:
            InvalidRequestError: the settings name devices that do not exist.
        """
        ...

    def faults(self) -> list[str]:
        """Return the devices that no trial can run on at present, each with the reason."""
        ...

    def load(self, devices: Sequence[Device]) -> dict[str, DeviceLoad]:
        """Return the load of the devices that answer, by id; of the others nothing."""
        ...

    def machine(self, devices: Sequence[Device]) -> Machine:
        """Return what trials on these devices see of the machine they run on.

        Raises:
            InvalidRequestError: there is no device; says why.
        """
        ...

    def start(self, workspace: WorkspacePaths, claims: Sequence[Claim]) -> list[NotStarted]:
        """Start the shims of claimed trials; return those of which no process was left.

        Waits a moment for the trainers to run, and not for those that take longer.
        """
        ...

    def look(self, attempts: Sequence[Attempt]) -> dict[Attempt, Sight]:
        """Return how attempts are, whichever process started them; changes nothing.

        It may be late to see an end, and never early: `ended` and `gone` are for good. What is
        absent from a list of jobs is gone only if the list was made after the launch's lock was
        seen free, and if the list can be trusted; otherwise it is unknown.
        """
        ...

    def stop(self, attempt: Attempt) -> None:
        """Ask a trial that runs to save and end; asking again changes nothing."""
        ...

    def end(self, attempt: Attempt) -> bool:
        """End at once whatever an attempt has left; say whether nothing is left."""
        ...

    def tend(self, attempt: Attempt, shim: Shim | None, stop_asked_s: float | None) -> list[str]:
        """See to it that a trial that runs has an owner that answers; return what that took.

        stop_asked_s: for how long it has been asked to stop; None: it was not asked.
        """
        ...

    def recall(self, attempt: Attempt, held_s: float, stop_asked_s: float | None) -> str | None:
        """Take back a launch that holds its devices for nothing; say why. None: it may start still.

        held_s: for how long it has held them. stop_asked_s: see `tend`; what still waits in the
        executor's own queue is taken out then.
        """
        ...

    def clear(self, workspace: WorkspacePaths, attempts: Collection[Attempt]) -> list[str]:
        """End what was submitted for attempts that no trial holds any more; return what that took.

        attempts: those that trials hold, read just before.
        """
        return []

    def cost_per_hour(self) -> float | None:
        """Return what an hour of all devices together costs, by the list of who runs them.

        None where there is no such list: somebody has to say it.

        Raises:
            InvalidRequestError: it cannot be had, or the list has no such device.
        """
        return None

    def check(self) -> list[Ailment]:
        """Return what keeps trials from being run here; nothing where all is well."""
        return []

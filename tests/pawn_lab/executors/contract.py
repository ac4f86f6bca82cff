"""What an executor brings to be held to the contract, and processes that see what it says."""

import multiprocessing
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from batch import Batch
from lab_testing import DEADLINE_S, eventually, stand_in

from pawn_lab.executors.attempt import Attempt
from pawn_lab.executors.executor import Executor
from pawn_lab.executors.registry import executor_named
from pawn_lab.lab import Lab
from pawn_lab.shim import identity
from pawn_lab.shim.rules import Limits

_processes = multiprocessing.get_context("fork")


class Place(NamedTuple):
    """An executor as any process makes it anew, and how it loses all that it runs at once."""

    executor: Callable[[], Executor]
    lose: Callable[[Attempt], None]


def local_place(_: Path) -> Place:
    """Return this machine; what it can lose is every process of a trial."""

    def lose(attempt: Attempt) -> None:
        eventually(lambda: not identity.kill_members(attempt.token), "death of all processes")

    return Place(lambda: executor_named("local"), lose)


def batch_place(folder: Path) -> Place:
    """Return a batch system; what it can lose is every job, and its memory of them."""
    spool = folder / "spool"
    return Place(lambda: Batch(spool), lambda _: Batch(spool).forget())


SLURM = {"device": "cpu", "max_jobs": 2, "absence_s": 0.5}
"""Settings for a cluster that answers at once; `cpu`: it has no real GPU."""


def slurm_place(folder: Path) -> Place:
    """Return the cluster of `SLURM_CONF`; what it can lose is every job, with its processes."""

    def lose(attempt: Attempt) -> None:
        local_place(folder).lose(attempt)
        eventually(lambda: executor_named("slurm", SLURM).end(attempt), "end of the job")

    return Place(lambda: executor_named("slurm", SLURM), lose)


PLACES: dict[str, Callable[[Path], Place]] = {
    "local": local_place,
    "batch": batch_place,
    "slurm": slurm_place,
}
"""One for each executor there is, and for one that exists for this suite alone."""


def open_lab_at(place: Place, workspace: Path, behaviour: str = "gate") -> Lab:
    """Open a workspace as a new process would: with an executor that remembers nothing."""
    limits = Limits(grace_s=0.5)
    return Lab.open(
        workspace, trainer=stand_in(behaviour), limits=limits, executor=place.executor()
    )


def in_another_process(look: Callable[[], Any]) -> Any:
    """Return what a forked process finds; no lab may be open where it is started."""
    receiver, sender = _processes.Pipe(duplex=False)
    process = _processes.Process(target=lambda: sender.send(look()))
    process.start()
    sender.close()
    assert receiver.poll(DEADLINE_S), "the other process hangs"
    answer = receiver.recv()
    process.join()
    return answer


def in_a_process_that_dies(act: Callable[[], Any]) -> None:
    """Let a forked process act and be killed right after."""

    def act_and_die() -> None:
        act()
        os.kill(os.getpid(), signal.SIGKILL)

    process = _processes.Process(target=act_and_die)
    process.start()
    process.join(DEADLINE_S)
    assert process.exitcode == -signal.SIGKILL

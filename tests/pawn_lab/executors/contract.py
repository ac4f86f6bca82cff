"""What an executor brings to be held to the contract, and processes that see what it says."""

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from batch import Batch
from fake_hub import Fault, log_in
from hf_cloud import HfCloud
from lab_testing import DEADLINE_S, eventually, stand_in

from pawn_lab.executors.attempt import Attempt
from pawn_lab.executors.executor import Executor
from pawn_lab.executors.registry import executor_named
from pawn_lab.lab import Lab
from pawn_lab.shim import identity
from pawn_lab.shim.rules import Limits

_processes = multiprocessing.get_context("fork")


def without_python(patch: pytest.MonkeyPatch) -> str:
    """Let there be no Python to start anything with."""
    patch.setattr(sys, "executable", "/no python here")
    return "No such file or directory"


class Place(NamedTuple):
    """An executor as any process makes it anew, how it loses all that it runs, and cannot start.

    `breaks` lets every start fail for as long as the patches last, and returns what that says.
    """

    executor: Callable[[], Executor]
    lose: Callable[[Attempt], None]
    breaks: Callable[[pytest.MonkeyPatch], str] = without_python


class HubPlace(NamedTuple):
    """A place whose jobs a hub on this machine runs."""

    executor: Callable[[], Executor]
    lose: Callable[[Attempt], None]
    breaks: Callable[[pytest.MonkeyPatch], str]
    cloud: HfCloud


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


HF_JOBS = {"flavor": "cpu-basic", "namespace": "owner", "install": "false"}
HF_JOBS |= {"sync_s": "0.05", "settle_s": "0.2"}
"""Jobs that are looked at all the time, on an image with all that they need."""


@contextmanager
def hf_jobs_place(folder: Path, **settings: str) -> Iterator[Place]:
    """Yield a hub on this machine; what it can lose is a job, and that there was one."""
    with (
        pytest.MonkeyPatch.context() as patch,
        HfCloud(folder / "cloud", folder / "workspace") as cloud,
    ):
        log_in(patch, cloud, folder)
        cloud.store.serve(patch)

        def breaks(patch: pytest.MonkeyPatch) -> str:
            patch.setattr(cloud, "faults", [Fault("POST /api/jobs/owner", 402, 3)])
            return "402 as told"

        yield HubPlace(
            lambda: executor_named("hf_jobs", HF_JOBS | settings),
            lambda attempt: cloud.lose(attempt.token),
            breaks,
            cloud,
        )


@contextmanager
def always(place: Callable[[Path], Place], folder: Path) -> Iterator[Place]:
    """Yield a place that needs no end."""
    yield place(folder)


PLACES: dict[str, Callable[[Path], AbstractContextManager[Place]]] = {
    "local": partial(always, local_place),
    "batch": partial(always, batch_place),
    "slurm": partial(always, slurm_place),
    "hf_jobs": hf_jobs_place,
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

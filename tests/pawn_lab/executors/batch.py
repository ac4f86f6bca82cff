"""A batch system in small, as an executor: a cluster's scheduler seen from one machine.

It keeps its own list of jobs, each known by the token alone and held by a process of its own, the
step, from submission to end. A job waits in the queue without any lock of the trial. Lists are
late, and now and then there is none. `forget` loses every job at once.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from pawn_core.machine import Machine, cpu_flags, cpu_memory
from pawn_core.prctl import adopt_orphans
from pawn_core.untrusted import open_log
from pawn_lab.executors import launch_files
from pawn_lab.executors.attempt import Attempt, Shim
from pawn_lab.executors.executor import (
    Claim,
    Device,
    DeviceLoad,
    Executor,
    Life,
    NotStarted,
    Sight,
)
from pawn_lab.locks import is_locked, try_lock
from pawn_lab.paths import WorkspacePaths
from pawn_lab.reporting import exits
from pawn_lab.shim import environment, guardian, identity, shim
from pawn_lab.trial_paths import TrialPaths

LIST_S = 0.1
POLL_S = 0.005
END_TIMEOUT_S = 2.0


class JobList(NamedTuple):
    """The tokens of the jobs that wait or run, and when the list was made (`time.monotonic`)."""

    made_at: float
    tokens: frozenset[str]


class Batch(Executor):
    """Runs trials as jobs of the batch system whose folder this is."""

    def __init__(self, spool: Path) -> None:
        spool.mkdir(exist_ok=True)
        self._jobs, self.held, self.silent = spool / "jobs", spool / "held", spool / "silent"
        """Jobs wait while `held` exists; there is no list while `silent` does."""
        self._jobs.mkdir(exist_ok=True)
        self._latest = JobList(-LIST_S, frozenset())
        self._free_at: dict[str, float] = {}
        """By token: when the launch's lock was first seen free."""

    def devices(self) -> list[Device]:
        return [Device(f"node:{number}", "cpu", f"node {number}") for number in range(2)]

    def faults(self) -> list[str]:
        return []

    def load(self, devices: Sequence[Device]) -> dict[str, DeviceLoad]:
        return {device.id: DeviceLoad() for device in devices}

    def machine(self, devices: Sequence[Device]) -> Machine:
        return Machine((), cpu_flags(), cpu_memory(), None)

    def start(self, workspace: WorkspacePaths, claims: Sequence[Claim]) -> list[NotStarted]:
        refused = []
        for claim in claims:
            try:
                self._submit(workspace, claim)
            except OSError as error:
                refused.append(NotStarted(claim, str(error)))
        return refused

    def _submit(self, workspace: WorkspacePaths, claim: Claim) -> None:
        launch_files.write(workspace, claim, {}, None)
        attempt = Attempt.of(workspace, claim.trial)
        job = try_lock(self._jobs / attempt.token)
        assert job is not None, "submitted twice"
        places = [attempt.paths.root, workspace.root, self.held, job]
        with contextlib.closing(os.fdopen(open_log(attempt.paths.shim_log), "ab")) as log:
            try:
                step = subprocess.Popen(
                    [sys.executable, __file__, "step", *map(str, places)],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env=environment.for_shim() | {identity.TOKEN_VARIABLE: attempt.token},
                    cwd="/",
                    pass_fds=[job],
                    start_new_session=True,
                )
            finally:
                os.close(job)
        threading.Thread(target=step.wait, daemon=True).start()

    def look(self, attempts: Sequence[Attempt]) -> dict[Attempt, Sight]:
        for attempt in attempts:
            if not is_locked(attempt.paths.alive_lock):
                self._free_at.setdefault(attempt.token, time.monotonic())
        jobs = self._list()
        return {attempt: self._sight(attempt, jobs) for attempt in attempts}

    def _list(self) -> JobList | None:
        if self.silent.exists():
            return None
        if time.monotonic() - self._latest.made_at >= LIST_S:
            made_at = time.monotonic()
            jobs = (job.name for job in self._jobs.iterdir() if is_locked(job))
            self._latest = JobList(made_at, frozenset(jobs))
        return self._latest

    def _sight(self, attempt: Attempt, jobs: JobList | None) -> Sight:
        if jobs is None:
            return Sight(Life.UNKNOWN)
        own = attempt.shim()
        if attempt.token in jobs.tokens or attempt.token not in self._free_at:
            return Sight(Life.ALIVE, own)
        if jobs.made_at < self._free_at[attempt.token]:
            return Sight(Life.UNKNOWN)
        record = exits.read(attempt.paths.exit, attempt.token)
        return Sight(Life.GONE if record is None else Life.ENDED, own, record)

    def stop(self, attempt: Attempt) -> None:
        if (job_shim := attempt.shim()) is not None:
            identity.send_signal(job_shim.identity, signal.SIGTERM)

    def end(self, attempt: Attempt) -> bool:
        deadline = time.monotonic() + END_TIMEOUT_S
        while identity.kill_members(attempt.token):
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL_S)
        return True

    def tend(self, attempt: Attempt, shim: Shim | None, stop_asked_s: float | None) -> list[str]:
        return []

    def recall(self, attempt: Attempt, held_s: float, stop_asked_s: float | None) -> str | None:
        if stop_asked_s is None or not self.end(attempt) or attempt.shim() is not None:
            return None
        return "it was taken out of the queue"

    def forget(self) -> None:
        """Lose all jobs at once, and whatever was known of them."""
        for job in self._jobs.iterdir():
            while identity.kill_members(job.name):
                time.sleep(POLL_S)
            job.unlink()


def be_step(trial: str, workspace: str, held: str, _job: str) -> None:
    """Be a job: wait in the queue, take the trial's lock, start its shim, wait for all to end."""
    adopt_orphans()
    while Path(held).exists() or (lock := try_lock(TrialPaths(Path(trial)).alive_lock)) is None:
        time.sleep(POLL_S)
    arguments = [sys.executable, __file__, "shim", trial, workspace, str(lock)]
    with subprocess.Popen(arguments, pass_fds=[lock]):
        os.close(lock)
    with contextlib.suppress(ChildProcessError):
        while True:
            os.wait()


def be_shim(*arguments: str) -> None:
    """Be the trial's shim; a node of a cluster makes no scheduler pass at its end."""
    os.environ[guardian.ALONE_VARIABLE] = "1"
    sys.argv[1:] = arguments
    shim.main()


if __name__ == "__main__":
    {"step": be_step, "shim": be_shim}[sys.argv[1]](*sys.argv[2:])

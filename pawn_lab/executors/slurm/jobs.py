"""Slurm's list of our jobs, and the commands that act on them.

Only `sbatch`, `squeue`, `scancel` and `scontrol` are run: no accounting is needed. A job is known
by its name, which holds the token; a task of an array by the array's name and its index.
"""

import contextlib
import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

TIMEOUT_S = 10.0
"""For an answer of the controller; past it nothing is known."""
PREFIX = "pawn-"
_FORMAT = "%F|%K|%T|%V|%k|%j"
_FIELDS = 6
_CONFIGURATION = "SLURM_CONF"
_UP = " is UP"
_NO_TASK = ("N/A", "")
_FINAL = frozenset(
    (
        *(
            "BOOT_FAIL",
            "CANCELLED",
            "COMPLETED",
            "DEADLINE",
            "FAILED",
            "NODE_FAIL",
            "OUT_OF_MEMORY",
        ),
        *("REVOKED", "TIMEOUT"),
    )
)
"""States that no job leaves. PREEMPTED is none: the job may be queued again."""
WAITING = frozenset(("PENDING", "REQUEUED", "REQUEUE_FED", "REQUEUE_HOLD", "SPECIAL_EXIT"))


class Key(NamedTuple):
    """What a job is found by: its name, and the index of its task where it is of an array."""

    name: str
    task: int | None = None


class Job(NamedTuple):
    """A job as Slurm lists it."""

    key: Key
    array: str
    """Its number, or that of its array."""
    state: str
    submitted: str
    """By the clock on the wall, as Slurm writes it."""
    comment: str

    @property
    def ended(self) -> bool:
        """Whether it has ended for good; one that is completing has not."""
        return self.state in _FINAL

    @property
    def waits(self) -> bool:
        """Whether it has no node yet."""
        return self.state in WAITING

    @property
    def age_s(self) -> float:
        """How long ago it was submitted, in seconds."""
        return time.time() - datetime.fromisoformat(self.submitted).timestamp()

    @property
    def id(self) -> str:
        """What scancel takes."""
        return self.array if self.key.task is None else f"{self.array}_{self.key.task}"


class SlurmError(Exception):
    """A command of Slurm that failed; `refused` if the controller has said no."""

    def __init__(self, told: str, *, refused: bool) -> None:
        super().__init__(told)
        self.refused = refused


_NO_ANSWER = ("contact slurm controller", "timed out", "connect", "communication", "try again")


def run(
    argv: Sequence[str],
    stdin: str = "",
    timeout_s: float = TIMEOUT_S,
    own: Mapping[str, str] | None = None,
) -> str:
    """Run a command of Slurm and return what it printed.

    own: the environment that a job gets, by default the part of ours that is no other job's.

    Raises:
        SlurmError: it failed, there is none, or it took too long.
    """
    ended = _ended(argv, stdin, timeout_s, own)
    if ended.returncode:
        told = ended.stderr.strip() or f"{argv[0]} ended with exit code {ended.returncode}"
        refused = not any(words in told.lower() for words in _NO_ANSWER)
        raise SlurmError(told, refused=refused)
    return ended.stdout


def silence(timeout_s: float = TIMEOUT_S) -> str | None:
    """Say why no controller answers; None where one does. Takes milliseconds, other commands 9 s.

    Of two controllers one is enough.
    """
    try:
        told = _ended(["scontrol", "ping"], "", timeout_s, None)
    except SlurmError as error:
        return str(error)
    first = next(iter((told.stdout + told.stderr).splitlines()), "scontrol ping says nothing")
    return None if _UP in told.stdout else first.strip()


def _ended(
    argv: Sequence[str], stdin: str, timeout_s: float, own: Mapping[str, str] | None
) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            argv,
            input=stdin,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout_s,
            env=_environment(os.environ, own),
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise SlurmError(f"{argv[0]} gave no answer in {timeout_s:g} s", refused=False) from None
    except OSError as error:
        raise SlurmError(f"{argv[0]}: {error.strerror}", refused=True) from None


def _environment(ours: Mapping[str, str], own: Mapping[str, str] | None) -> dict[str, str]:
    """Return an environment without what a job of Slurm that we are in would hand on to ours.

    Its binding to cores, for one, would count for the job that we submit.
    """
    inherited = ("SLURM_", "SBATCH_", "SRUN_", "SQUEUE_", "SCANCEL_")
    found = {_CONFIGURATION: ours[_CONFIGURATION]} if _CONFIGURATION in ours else {}
    kept = ours if own is None else own
    return {n: v for n, v in kept.items() if not n.startswith(inherited)} | found


def listed(timeout_s: float = TIMEOUT_S) -> dict[Key, Job] | None:
    """Return the lab's jobs of this user, those that have just ended too; None: no answer.

    Of several jobs with one name, the one that has not ended counts.
    """
    query = ["squeue", "--me", "--noheader", "--array", "--states=all", f"--format={_FORMAT}"]
    if silence(timeout_s) is not None:
        return None
    try:
        lines = run(query, timeout_s=timeout_s).splitlines()
    except SlurmError:
        return None
    rows = filter(None, map(_job, lines))
    return {job.key: job for job in sorted(rows, key=lambda job: not job.ended)}


def _job(line: str) -> Job | None:
    array, task, state, submitted, comment, name = line.split("|", _FIELDS - 1)
    if not name.startswith(PREFIX):
        return None
    index = None if task in _NO_TASK else int(task)
    return Job(Key(name, index), array, state, submitted, comment)


def signal(job: Job, name: str) -> None:
    """Signal a job's own process; one that runs no more is left alone.

    Raises:
        SlurmError: it cannot be signalled.
    """
    run(["scancel", "--quiet", "--batch", f"--signal={name}", job.id])


def cancel(job: Job, timeout_s: float = TIMEOUT_S) -> None:
    """Take a job out of the queue, or end it without time to save.

    Raises:
        SlurmError: it cannot be cancelled.
    """
    if not job.waits:
        kill = ["scancel", "--quiet", "--full", "--signal=KILL", job.id]
        with contextlib.suppress(SlurmError):  # where its node does not answer
            run(kill, timeout_s=timeout_s)
    run(["scancel", "--quiet", job.id], timeout_s=timeout_s)

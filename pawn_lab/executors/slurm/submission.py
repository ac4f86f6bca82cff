"""Submitting trials to Slurm: one job each, or one array for the points of a sweep."""

import hashlib
import math
import os
import shlex
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from pawn_lab import failpoints
from pawn_lab.documents import read_json_object, write_json
from pawn_lab.executors import launch_files
from pawn_lab.executors.attempt import Attempt
from pawn_lab.executors.executor import Claim, NotStarted
from pawn_lab.executors.slurm import jobs
from pawn_lab.executors.slurm.jobs import PREFIX, Key, SlurmError
from pawn_lab.executors.slurm.node import SAVE_S
from pawn_lab.executors.slurm.settings import SlurmSettings
from pawn_lab.paths import WorkspacePaths
from pawn_lab.shim import environment
from pawn_lab.shim.guardian import ALONE_VARIABLE

JOB = "pawn_lab.executors.slurm.job"
SUBMIT_TIMEOUT_S = 30.0
START_S = 120.0
"""What a job's time limit has beside the trainer's, besides what its end takes."""
_SURE = 2.0
"""Times as long as trials like it took at most: a shim stops its trainer before the job's end."""
_LEAST_MINUTES = 10


class Batch(NamedTuple):
    """Claims that are submitted together, with the same options."""

    claims: list[Claim]
    minutes: int | None

    @property
    def name(self) -> str:
        """The name of the job: it holds the token of its trial, an array's that of the first."""
        return PREFIX + self.claims[0].trial.held_token


def key_of(attempt: Attempt) -> Key:
    """Return what the job of an attempt is found by; a task of an array has it in its folder."""
    record = read_json_object(attempt.paths.job) or {}
    name, task = record.get("name"), record.get("task")
    is_task = record.get("token") == attempt.token and isinstance(name, str)
    if is_task and isinstance(task, int):
        return Key(str(name), task)
    return Key(PREFIX + attempt.token)


def mark_of(workspace: WorkspacePaths) -> str:
    """Return what the jobs of a workspace have in common, as their comment."""
    return PREFIX + hashlib.sha256(os.fsencode(workspace.root.resolve())).hexdigest()[:16]


def submit(
    workspace: WorkspacePaths, settings: SlurmSettings, claims: Sequence[Claim]
) -> list[NotStarted]:
    """Submit claimed trials; return those that Slurm has not taken.

    Where the controller gave no answer it may have taken a job: its list will tell.
    """
    refused, written = [], []
    for claim in claims:
        try:
            _check_interpreter()
            launch_files.write(workspace, claim, {}, None)
            written.append(claim)
        except OSError as error:
            refused.append(NotStarted(claim, str(error)))
    failpoints.hit("start.files-written")
    for batch in _batches(settings, written):
        try:
            _submit(workspace, settings, batch)
        except (SlurmError, OSError) as error:
            if not isinstance(error, SlurmError) or error.refused:
                refused += [NotStarted(claim, str(error)) for claim in batch.claims]
        failpoints.hit("start.shim-spawned")
    return refused


def _check_interpreter() -> None:
    """Refuse what would fail on the node, which sees the same files, with nobody to tell of it.

    Raises:
        OSError: there is no Python at its place.
    """
    Path(sys.executable).stat()


def _batches(settings: SlurmSettings, claims: Sequence[Claim]) -> Iterator[Batch]:
    """Yield claims by what they can be submitted with: points of a sweep, or one alone."""
    groups = defaultdict[tuple, list[Claim]](list)
    for claim in claims:
        sweep = claim.trial.sweep if settings.arrays else None
        own = claim.trial.id if sweep is None else -sweep
        groups[own, len(claim.devices), minutes_of(settings, claim)].append(claim)
    for (_, _, minutes), group in groups.items():
        yield Batch(group, minutes)


def minutes_of(settings: SlurmSettings, claim: Claim) -> int | None:
    """Return the time limit of a job; None: the partition's.

    By the trial's own limit, else by how long trials like it took; else the longest allowed.
    """
    limits, most = claim.trial.limits, settings.most_minutes
    wall_s = limits.get("wall_clock_s")
    if wall_s is None and claim.expected_s is not None:
        wall_s = max(_SURE * claim.expected_s, 60.0 * _LEAST_MINUTES)
    if wall_s is None:
        return most
    minutes = math.ceil((wall_s + START_S + limits.get("grace_s", 0.0) + SAVE_S) / 60.0)
    return minutes if most is None else min(minutes, most)


def _submit(workspace: WorkspacePaths, settings: SlurmSettings, batch: Batch) -> None:
    """Submit a job or an array.

    Raises:
        SlurmError: Slurm has not taken it, or gave no answer.
        OSError: a file cannot be written.
    """
    workspace.jobs.mkdir(exist_ok=True)
    is_array = len(batch.claims) > 1
    for task, claim in enumerate(batch.claims):
        token = claim.trial.held_token
        record = {"token": token, "name": batch.name, "task": task if is_array else None}
        write_json(workspace.trial(claim.trial.id).job, record)
    argv = [
        "sbatch",
        *_identity(workspace, settings, batch),
        *_resources(settings, batch),
        *settings.extra,
    ]
    own = environment.for_shim() | {ALONE_VARIABLE: "1"}
    jobs.run(argv, _script(workspace, batch), SUBMIT_TIMEOUT_S, own)


def _identity(workspace: WorkspacePaths, settings: SlurmSettings, batch: Batch) -> Iterator[str]:
    """Yield the options by which a job is found again, and its end told in good time."""
    log = str(workspace.jobs.resolve() / batch.name).replace("%", "%%")
    grace_s = max(claim.trial.limits.get("grace_s", 0.0) for claim in batch.claims)
    yield from ("--parsable", f"--job-name={batch.name}", f"--comment={mark_of(workspace)}")
    yield from (f"--output={log}.log", "--open-mode=append", "--chdir=/", "--export=ALL")
    yield "--requeue" if settings.requeue else "--no-requeue"
    yield f"--signal=B:TERM@{math.ceil(grace_s + SAVE_S)}"
    if len(batch.claims) > 1:
        yield f"--array=0-{len(batch.claims) - 1}"


def _resources(settings: SlurmSettings, batch: Batch) -> Iterator[str]:
    """Yield the options about what a job gets."""
    named = {
        "partition": settings.partition,
        "account": settings.account,
        "qos": settings.qos,
        "constraint": settings.constraint,
        "cpus-per-task": settings.cpus,
        "mem": settings.memory,
        "time": batch.minutes,
    }
    yield from ("--nodes=1", "--ntasks=1")
    if settings.device == "gpu":
        yield f"--gres={settings.gres}:{len(batch.claims[0].devices)}"
    yield from (f"--{name}={value}" for name, value in named.items() if value is not None)


def _script(workspace: WorkspacePaths, batch: Batch) -> str:
    """Return the batch script; the shell becomes our process, so that signals reach it."""
    trials = [f"{c.trial.id}:{c.trial.held_token}" for c in batch.claims]
    command = [sys.executable, "-P", "-m", JOB, str(workspace.root.resolve()), *trials]
    return f"#!/bin/sh\nexec {shlex.join(command)}\n"

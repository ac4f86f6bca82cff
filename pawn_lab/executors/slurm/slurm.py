"""The executor of a Slurm cluster: liveness is the list of jobs, an end is `exit.json`.

The lab runs where jobs are submitted, and shares its file system with the nodes. A recorded end
counts whatever the list says; without one, a trial is gone once its job has ended, or has been
absent, for a while: files arrive late from nodes, and jobs late in lists. While the controller
gives no answer nothing is known.
"""

import contextlib
import time
from collections.abc import Collection, Mapping, Sequence
from typing import ClassVar

from pawn_core.machine import Machine, torch_without_gpus
from pawn_lab.documents import read_json_object, read_text, write_cache
from pawn_lab.executors.attempt import Attempt, Shim
from pawn_lab.executors.executor import (
    Ailment,
    Claim,
    Device,
    DeviceLoad,
    Executor,
    Life,
    NotStarted,
    Sight,
)
from pawn_lab.executors.slurm import absences, jobs
from pawn_lab.executors.slurm.jobs import Job, Key, SlurmError
from pawn_lab.executors.slurm.settings import SlurmSettings
from pawn_lab.executors.slurm.submission import key_of, mark_of, submit
from pawn_lab.locks import is_locked
from pawn_lab.paths import WorkspacePaths
from pawn_lab.reporting import exits
from pawn_lab.shim.rules import Limits

LAUNCH_S, _ANSWER_S, _ORPHAN_S = 120.0, 60.0, 120.0
"""How long a launcher may take to submit; a stop, beyond its grace; a job without a trial."""
_LOCKED_TIMEOUT_S = 4.0
"""For an answer of the controller while the database is locked."""
_END_S, _POLL_S, _CLEAR_EVERY_S = 2.0, 0.05, 60.0
_COMPLETING = "COMPLETING"
_GIB = 1 << 30
_MOST_LOG_BYTES = 400


class Slurm(Executor):
    """Runs trials as jobs of a cluster, which need no lab to go on or to end."""

    idle_costs: ClassVar[bool] = False
    limits_time: ClassVar[bool] = True

    def __init__(self, settings: SlurmSettings) -> None:
        """Submit by these settings."""
        self._settings = settings

    def devices(self) -> list[Device]:
        """Return as many slots as jobs may hold devices at a time; Slurm chooses the nodes."""
        kind, where = self._settings.device, self._settings.partition or "the default partition"
        name = f"{self._settings.gres} of {where}" if kind == "gpu" else f"CPUs of {where}"
        return [Device(f"slurm:{slot}", kind, name) for slot in range(self._settings.max_jobs)]

    def faults(self) -> list[str]:
        """Return that the cluster does not answer, where it does not."""
        return [ailment.what for ailment in self.check()]

    def load(self, devices: Sequence[Device]) -> dict[str, DeviceLoad]:
        """Return the slots, while the controller answers; how busy nodes are is Slurm's affair."""
        return {} if self.check() else {device.id: DeviceLoad() for device in devices}

    def machine(self, devices: Sequence[Device]) -> Machine:
        """Return what trials see of a node, as far as the settings tell."""
        if self._settings.device == "cpu":
            return Machine(())
        if (built := torch_without_gpus()) is not None:
            return Machine((), why_no_more=built)
        memory = self._settings.gpu_memory_gib
        size = None if memory is None else int(memory * _GIB)
        return Machine((size,) * len(devices), why_no_more="a trial sees the GPUs of its job")

    def start(self, workspace: WorkspacePaths, claims: Sequence[Claim]) -> list[NotStarted]:
        """Submit claimed trials, the points of a sweep as an array; waits for no node."""
        return submit(workspace, self._settings, claims)

    def look(self, attempts: Sequence[Attempt]) -> dict[Attempt, Sight]:
        """Return how attempts are, from their locks and records and then the list of jobs."""
        locked = {attempt for attempt in attempts if is_locked(attempt.paths.alive_lock)}
        ends = {attempt: exits.read(attempt.paths.exit, attempt.token) for attempt in attempts}
        listed = None if all(ends.values()) else jobs.listed()
        return {
            attempt: self._sight(attempt, attempt in locked, end, listed)
            for attempt, end in ends.items()
        }

    def _sight(
        self,
        attempt: Attempt,
        is_held: bool,
        end: exits.ExitRecord | None,
        listed: Mapping[Key, Job] | None,
    ) -> Sight:
        shim = attempt.shim()
        if is_held:
            return Sight(Life.ALIVE, shim)
        if end is not None:
            return Sight(Life.ENDED, shim, end)
        if shim is not None and _is_of_copy(attempt, shim):
            return Sight(Life.ELSEWHERE, shim)
        if listed is None:
            return Sight(Life.UNKNOWN)
        job = listed.get(key_of(attempt))
        if job is not None and not job.ended:
            absences.over(attempt)
            return Sight(Life.ALIVE, shim)
        if absences.lasted_s(attempt) < self._settings.absence_s:
            return Sight(Life.UNKNOWN)
        return Sight(Life.GONE, shim, why=_why(attempt, job))

    def stop(self, attempt: Attempt) -> None:
        """Send SIGTERM to the job's own process, which hands it on to the shim."""
        job = (jobs.listed() or {}).get(key_of(attempt))
        if job is not None and not job.ended and not job.waits:
            with contextlib.suppress(SlurmError):  # it has ended meanwhile, or the next pass will
                jobs.signal(job, "TERM")

    def end(self, attempt: Attempt) -> bool:
        """End the job, which takes all its processes along; False while it may be there."""
        deadline = time.monotonic() + _END_S
        while True:
            listed = jobs.listed(_LOCKED_TIMEOUT_S)
            if listed is None:
                return False
            job = listed.get(key_of(attempt))
            if job is None or job.ended:
                return True
            if not _cancelled(job) or time.monotonic() > deadline:
                return False
            time.sleep(_POLL_S)

    def tend(self, attempt: Attempt, shim: Shim | None, stop_asked_s: float | None) -> list[str]:
        """Cancel the job of a trial that has not ended long after its grace was over."""
        if stop_asked_s is None or stop_asked_s <= _grace_s(attempt) + _ANSWER_S:
            return []
        job = (jobs.listed(_LOCKED_TIMEOUT_S) or {}).get(key_of(attempt))
        if job is None or job.ended or job.state == _COMPLETING or not _cancelled(job):
            return []
        return [f"it has not ended in {stop_asked_s:.0f} s: job {job.id} was cancelled"]

    def recall(self, attempt: Attempt, held_s: float, stop_asked_s: float | None) -> str | None:
        """Take a job that is to stop out of the queue; take back what its launcher never submits.

        Without its lock at its place, and by another token, a job that comes later starts nothing.
        """
        if stop_asked_s is None and held_s <= LAUNCH_S:
            return None
        listed = jobs.listed(_LOCKED_TIMEOUT_S)
        if listed is None:
            return None
        job = listed.get(key_of(attempt))
        if job is not None:
            is_asked = stop_asked_s is not None and job.waits
            is_out = is_asked and self.end(attempt) and attempt.shim() is None
            return "it was taken out of the queue" if is_out else None
        if held_s <= LAUNCH_S:
            return None
        attempt.paths.alive_lock.unlink(missing_ok=True)
        return "its launcher was stopped or hung" if attempt.shim() is None else None

    def clear(self, workspace: WorkspacePaths, attempts: Collection[Attempt]) -> list[str]:
        """Cancel the jobs of this workspace that are no trial's any more."""
        if not _is_due(workspace):
            return []
        held = {key_of(attempt) for attempt in attempts}
        mark = mark_of(workspace)
        steps = []
        for job in (jobs.listed() or {}).values():
            is_ours = job.comment == mark and not job.ended and job.state != _COMPLETING
            if is_ours and job.key not in held and job.age_s > _ORPHAN_S and _cancelled(job):
                steps.append(f"job {job.id} belonged to no trial: cancelled")
        return steps

    def check(self) -> list[Ailment]:
        """Return that there is no Slurm here, or that its controller does not answer."""
        if (why := jobs.silence(_LOCKED_TIMEOUT_S)) is not None:
            return [Ailment(f"Slurm does not answer: {why}", "scontrol ping; sinfo")]
        return []


def _is_due(workspace: WorkspacePaths) -> bool:
    """Say whether jobs have been submitted, and nobody has cleared them for a while."""
    marker = workspace.jobs / "cleared"
    try:
        if time.time() - marker.stat().st_mtime < _CLEAR_EVERY_S:
            return False
    except FileNotFoundError:
        if not workspace.jobs.is_dir():
            return False
    write_cache(marker, b"")
    return True


def _is_of_copy(attempt: Attempt, shim: Shim) -> bool:
    """Say whether the trial's folder is a copy; hosts count devices of one file system apart."""
    return shim.folder is not None and shim.folder[1] != attempt.paths.root.stat().st_ino


def _cancelled(job: Job) -> bool:
    """Cancel a job, without time to save; say whether Slurm took it."""
    try:
        jobs.cancel(job, timeout_s=_LOCKED_TIMEOUT_S)
    except SlurmError:
        return False
    return True


def _grace_s(attempt: Attempt) -> float:
    limits = (read_json_object(attempt.paths.launch) or {}).get("limits") or {}
    grace_s = limits.get("grace_s")
    return float(grace_s) if isinstance(grace_s, int | float) else Limits().grace_s


def _why(attempt: Attempt, job: Job | None) -> str:
    """Say why an attempt is gone: how its job ended, and what that printed before it had a log."""
    workspace = WorkspacePaths(attempt.paths.root.parent.parent)
    log = workspace.jobs / f"{key_of(attempt).name}.log"
    told = " ".join(read_text(log, _MOST_LOG_BYTES).split())
    state = "its job is in no list" if job is None else f"its job {job.id} ended as {job.state}"
    return f"{state} and recorded no end" + (f" ({told})" if told else "")

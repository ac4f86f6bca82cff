"""How the jobs of attempts are, and what is done about those that nobody wants any more."""

from collections.abc import Collection
from pathlib import Path

from huggingface_hub import BucketFile

from pawn_lab.documents import read_json_object, read_text
from pawn_lab.executors.attempt import Attempt
from pawn_lab.executors.executor import Life, Sight
from pawn_lab.executors.hf_jobs import fetch, ledger, mirror, parcel
from pawn_lab.executors.hf_jobs.hub import CloudJob, Hub, HubError
from pawn_lab.executors.hf_jobs.ledger import JobRecord
from pawn_lab.executors.hf_jobs.settings import HfJobsSettings
from pawn_lab.locks import is_locked
from pawn_lab.paths import WorkspacePaths
from pawn_lab.reporting import exits
from pawn_lab.text import clean_line

CLEAR_S = 300.0
"""How old an attempt is before its job may be taken for one that no trial holds."""
_DELETED = "DELETED"
_MOST_LOG_BYTES = 4096


class JobWatch:
    """The jobs of a namespace as a lab sees them, each by the file that was written for it."""

    def __init__(self, hub: Hub, settings: HfJobsSettings) -> None:
        self._hub = hub
        self._settings = settings

    def look(self, attempt: Attempt) -> Sight:
        """Return how an attempt is."""
        if is_locked(attempt.paths.alive_lock):
            return Sight(Life.ALIVE, attempt.shim())  # it is being submitted
        file = ledger.file_of(attempt)
        with ledger.alone(file) as ours:
            if not ours:
                return Sight(Life.UNKNOWN)  # another process is at it
            entry = ledger.read(file)
            if entry is None and attempt.shim() is None:
                return Sight(Life.GONE, why="its launcher died before it asked for a job")
            if entry is None:
                return _without_entry(attempt)
            if ledger.is_of_copy(file, entry):
                return Sight(Life.ELSEWHERE, attempt.shim())
            with ledger.kept(file, entry):
                return self._look(attempt, entry)

    def _look(self, attempt: Attempt, entry: JobRecord) -> Sight:
        if entry.looked and not entry.ended and not self._is_due(entry):
            return Sight(Life.ALIVE, attempt.shim())
        try:
            return self._ask(attempt, entry)
        except HubError:
            return Sight(Life.UNKNOWN)

    def _is_due(self, entry: JobRecord) -> bool:
        assert entry.looked, "looked at before"
        return entry.looked.until(ledger.now()) >= self._settings.sync_s

    def _ask(self, attempt: Attempt, entry: JobRecord) -> Sight:
        """Return how an attempt's job is, and bring its files.

        Raises:
            HubError: it cannot be told.
        """
        job = self._job(attempt.token, entry)
        if job is None:
            if entry.asked.until(ledger.now()) < self._settings.settle_s:
                return Sight(Life.UNKNOWN)
            return Sight(Life.GONE, why="the hub never had a job of it")
        entry.looked = ledger.now()
        files = mirror.listed(self._hub, attempt.token)
        is_whole = self._bring(attempt, entry, files)
        if job.lives:
            self._pass_on(attempt, entry, job)
            return Sight(Life.ALIVE, attempt.shim())
        entry.ended, entry.ending = entry.ended or ledger.now(), job.describe()
        return self._end_of(attempt, entry) if is_whole else Sight(Life.ALIVE, attempt.shim())

    def _bring(self, attempt: Attempt, entry: JobRecord, files: dict[str, BucketFile]) -> bool:
        """Bring what a job has written; say whether all is here, its checkpoints included."""
        mirror.small_files(attempt.paths, files, entry.files, self._hub)
        if not mirror.lacking(attempt.paths, files):
            return True
        fetch.start(attempt, self._settings)
        return False

    def _job(self, token: str, entry: JobRecord) -> CloudJob | None:
        """Return an attempt's job by its number, or by its label; None where the hub has none.

        The hub may have taken more than one: the first is the trial's.

        Raises:
            HubError: it cannot be told.
        """
        if entry.job is None:
            jobs = self._hub.find(token)
            for surplus in jobs[1:]:
                self._hub.cancel(surplus.id)
            if not jobs:
                return None
            entry.job = jobs[0].id
        if (job := self._hub.inspect(entry.job)) is not None:
            return job
        jobs = self._hub.find(token)  # who may not look is told that there is none, too
        return jobs[0] if jobs else CloudJob(entry.job, _DELETED)

    def _end_of(self, attempt: Attempt, entry: JobRecord) -> Sight:
        """Return how an attempt ended whose job has, and whose files are here."""
        shim = attempt.shim()
        record = exits.read(attempt.paths.exit, attempt.token)
        if record is not None:
            return Sight(Life.ENDED, shim, record)
        assert entry.ended, "seen before"
        if entry.ended.until(ledger.now()) < self._settings.settle_s:
            return Sight(Life.UNKNOWN, shim)  # what it wrote last may be on its way
        return Sight(Life.GONE, shim, why=_why_gone(attempt, entry))

    def _pass_on(self, attempt: Attempt, entry: JobRecord, job: CloudJob) -> None:
        """Tell a job when the budget ends; cancel one that goes on after its trial's end.

        Raises:
            HubError: it does not answer.
        """
        if exits.read(attempt.paths.exit, attempt.token) is not None:
            entry.recorded = entry.recorded or ledger.now()
            if entry.recorded.until(ledger.now()) >= self._settings.settle_s:
                self._hub.cancel(job.id)
            return
        budget = ledger.workspace_of(attempt).budget_stop
        spent_at = (read_json_object(budget) or {}).get("at")
        if spent_at != entry.budget_sent and budget.exists():
            order = f"{parcel.BUDGET}-{ledger.now().wall:.3f}.json"
            self._hub.give(attempt.token, [(budget, order)])
            entry.budget_sent = spent_at

    def cancel(self, token: str, entry: JobRecord) -> bool:
        """Cancel the job of an attempt; say whether none is left.

        Raises:
            HubError: it cannot be told.
        """
        job = self._job(token, entry)
        if job is None:
            return entry.asked.until(ledger.now()) >= self._settings.settle_s
        if job.lives:
            self._hub.cancel(job.id)
            job = self._job(token, entry)
        return job is None or not job.lives

    def clear(self, workspace: WorkspacePaths, held: Collection[str]) -> list[str]:
        """Cancel the jobs of attempts whose tokens no trial holds; return what that took."""
        if not workspace.jobs.is_dir():
            return []
        files = sorted(workspace.jobs.glob("*.json"))
        return [step for file in files if file.stem not in held for step in self._clear(file)]

    def _clear(self, file: Path) -> list[str]:
        with ledger.alone(file) as ours:
            entry = ledger.read(file) if ours else None
            if entry is None or entry.asked.until(ledger.now()) < CLEAR_S:
                return []
            if ledger.is_of_copy(file, entry):
                ledger.forget(file)
                return []
            try:
                job = self._job(file.stem, entry)
                if job is None or not job.lives:
                    ledger.forget(file)
                    return []
                self._hub.cancel(job.id)
            except HubError:
                return []  # at the next pass
        return [f"job {job.id} of trial {entry.trial} ran on, held by no trial: canceled"]


def _without_entry(attempt: Attempt) -> Sight:
    """Return how an attempt is that has run, and whose file is gone: `end` sees to its job."""
    record = exits.read(attempt.paths.exit, attempt.token)
    return Sight(Life.GONE if record is None else Life.ENDED, attempt.shim(), record)


def _why_gone(attempt: Attempt, entry: JobRecord) -> str:
    """Say how a job ended that has left no end of its trial, with the last word of its log."""
    lines = read_text(attempt.paths.shim_log, _MOST_LOG_BYTES).strip().splitlines()
    last = f"; its log ends with: {clean_line(lines[-1])}" if lines else ""
    return f"{entry.ending} and has recorded no end{last}"

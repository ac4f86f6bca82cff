"""The executor of Hugging Face Jobs: the hub runs them, a bucket carries their files."""

import re
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, ClassVar

from pawn_core.machine import Machine
from pawn_lab import failpoints
from pawn_lab.errors import InvalidRequestError
from pawn_lab.executors import launch_files
from pawn_lab.executors.attempt import Attempt, Shim
from pawn_lab.executors.executor import (
    Ailment,
    Claim,
    Device,
    DeviceLoad,
    Executor,
    NotStarted,
    Sight,
)
from pawn_lab.executors.hf_jobs import ledger, parcel
from pawn_lab.executors.hf_jobs.hub import Hub, HubError, HubRefusedError, hourly_cost
from pawn_lab.executors.hf_jobs.settings import HfJobsSettings
from pawn_lab.executors.hf_jobs.watch import JobWatch
from pawn_lab.locks import is_locked
from pawn_lab.paths import WorkspacePaths
from pawn_lab.store.rows import TrialRow

STOP_S = 240.0
"""How long a job may take to see that it is to stop, save and end; then it is canceled."""
_LIKE_THE_LONGEST = 2.0
"""A trial may take so many times as long as those like it: then it saves and ends."""
_FRESH_S = 60.0
_GIB = 1 << 30
_SIZE = re.compile(r"\s*([\d.]+)\s*GB", re.IGNORECASE)
_MOST_AT_ONCE = 8


class HfJobs(Executor):
    """Runs each trial as a job of its own; billed by the minute, from its start to its end."""

    idle_costs: ClassVar[bool] = False
    has_price_list: ClassVar[bool] = True
    limits_time: ClassVar[bool] = True

    def __init__(self, settings: HfJobsSettings) -> None:
        self._settings = settings
        self._hub = Hub(settings)
        self._watch = JobWatch(self._hub, settings)
        self._asked: tuple[ledger.Moment, str | None] | None = None
        """When it was last asked whether the hub answers, and why it does not."""

    def devices(self) -> list[Device]:
        """Return as many slots as jobs may run at once; asks nobody."""
        settings = self._settings
        return [
            Device(f"hf:{number}", settings.kind, settings.flavor)
            for number in range(settings.max_jobs)
        ]

    def faults(self) -> list[str]:
        """Return nothing: a hub that does not answer takes jobs later."""
        return []

    def load(self, devices: Sequence[Device]) -> dict[str, DeviceLoad]:
        """Return the slots, if the hub answers: else what is queued waits, unharmed."""
        if self._silence() is not None:
            return {}
        return {device.id: DeviceLoad() for device in devices}

    def _silence(self) -> str | None:
        """Return why the hub does not take jobs at present."""
        if self._asked is None or self._asked[0].until(ledger.now()) > _FRESH_S:
            try:
                self._hub.hardware()
                self._asked = ledger.now(), None
            except HubError as error:
                self._asked = ledger.now(), str(error)
        return self._asked[1]

    def machine(self, devices: Sequence[Device]) -> Machine:
        """Return what a job sees: at most one GPU, of the size that the hub lists."""
        hardware = self._asking(self._hub.hardware)
        gpu = hardware.accelerator
        gpus = (_bytes(gpu.vram),) if gpu is not None else ()
        return Machine(gpus, frozenset(), _bytes(hardware.ram), "a job has one")

    def cost_per_hour(self) -> float | None:
        """Return the listed price of all slots together, in USD."""
        price = self._asking(lambda: hourly_cost(self._hub.hardware()))
        return round(price * self._settings.max_jobs, 6)

    def _asking(self, ask: Callable[[], Any]) -> Any:
        try:
            return ask()
        except HubError as error:
            raise InvalidRequestError(f"executor 'hf_jobs': {error}") from None

    def check(self) -> list[Ailment]:
        """Try what a launch needs: a login, the flavor, a bucket that can be written."""
        try:
            self._hub.hardware()
            self._hub.open_bucket()
            self._hub.give("check", [(b"yes\n", "writable")])
        except HubError as error:
            return [Ailment(f"jobs cannot be started: {error}", "hf auth login")]
        return []

    def start(self, workspace: WorkspacePaths, claims: Sequence[Claim]) -> list[NotStarted]:
        """Submit jobs; where the hub may have taken one without saying so, that stays open."""
        refused = []
        for claim in claims:
            try:
                self._submit(workspace, claim)
            except (OSError, HubError) as error:
                ledger.forget(workspace.job(claim.trial.held_token))
                refused.append(NotStarted(claim, str(error)))
        return refused

    def _submit(self, workspace: WorkspacePaths, claim: Claim) -> None:
        """Give a job its files, note that one is asked for, and ask.

        Raises:
            OSError, HubError: there is no job.
        """
        trial = self._limited(claim)
        launch_files.write(workspace, replace(claim, trial=trial), {}, None)
        self._hub.open_bucket()
        self._hub.give(trial.held_token, parcel.files(workspace, trial, self._settings.sync_s))
        file = workspace.job(trial.held_token)
        entry = ledger.begin(file, trial.id)
        failpoints.hit("start.files-written")
        timeout_s = trial.limits["wall_clock_s"] + 60 * self._settings.margin_min
        try:
            job = self._hub.submit(
                trial.held_token, trial.id, parcel.command(self._settings), timeout_s, {}
            )
        except HubRefusedError:
            raise
        except HubError:
            return  # it may have been taken: it is looked for by its label
        failpoints.hit("start.shim-spawned")
        entry.job = job.id
        ledger.write(file, entry)

    def _limited(self, claim: Claim) -> TrialRow:
        """Return a trial that saves and ends by itself before the job's time is over.

        Raises:
            OSError: it has a rule that no job can keep.
        """
        trial = claim.trial
        if trial.limits.get("forecast_every_s") is not None:
            raise OSError("stop_by_forecast takes the lab's database, which no job has")
        limit_s = trial.limits.get("wall_clock_s")
        if limit_s is None:
            limit_s = self._settings.max_hours * 3600
            if claim.expected_s is not None:
                limit_s = min(limit_s, _LIKE_THE_LONGEST * claim.expected_s + _FRESH_S)
        return replace(trial, limits=trial.limits | {"wall_clock_s": limit_s})

    def look(self, attempts: Sequence[Attempt]) -> dict[Attempt, Sight]:
        """Return how attempts are by their jobs, whose files are brought here first."""
        if not attempts:
            return {}
        with ThreadPoolExecutor(max_workers=min(_MOST_AT_ONCE, len(attempts))) as pool:
            return dict(zip(attempts, pool.map(self._watch.look, attempts), strict=True))

    def stop(self, attempt: Attempt) -> None:
        """Put the order to stop into the job's bucket, once."""
        file = ledger.file_of(attempt)
        with ledger.alone(file) as ours:
            entry = ledger.read(file) if ours else None
            if entry is None or entry.stop_sent or ledger.is_of_copy(file, entry):
                return
            try:
                self._hub.give(attempt.token, [(b"stop\n", parcel.STOP)])
            except HubError:
                return  # at the next pass
            entry.stop_sent = True
            ledger.write(file, entry)

    def end(self, attempt: Attempt) -> bool:
        """Cancel what an attempt has; say whether nothing is left that runs, or bills."""
        file = ledger.file_of(attempt)
        try:
            entry = ledger.read(file) or ledger.unknown(file, ledger.LONG_AGO)
            return not ledger.is_of_copy(file, entry) and self._watch.cancel(attempt.token, entry)
        except (HubError, OSError):
            return False

    def tend(self, attempt: Attempt, shim: Shim | None, stop_asked_s: float | None) -> list[str]:
        """Cancel a job that has been told to stop and does not end."""
        file = ledger.file_of(attempt)
        if stop_asked_s is None or stop_asked_s < STOP_S + self._settings.sync_s:
            return []
        with ledger.alone(file) as ours:
            entry = ledger.read(file) if ours else None
            if entry is None or entry.ended is not None or ledger.is_of_copy(file, entry):
                return []
            try:
                self._watch.cancel(attempt.token, entry)
            except HubError:
                return []
            entry.ended = ledger.now()
            ledger.write(file, entry)
        return [f"job {entry.job} has not ended in {stop_asked_s:.0f} s: canceled"]

    def recall(self, attempt: Attempt, held_s: float, stop_asked_s: float | None) -> str | None:
        """Take a job that has not begun out of the hub's queue, once it is to stop."""
        if stop_asked_s is None or is_locked(attempt.paths.alive_lock):
            return None
        if attempt.shim() is not None or not self.end(attempt):
            return None
        return "it was taken out of the queue"

    def clear(self, workspace: WorkspacePaths, attempts: Collection[Attempt]) -> list[str]:
        """Cancel jobs whose attempts no trial holds, and forget those that have ended."""
        held = {attempt.token for attempt in attempts}
        return self._watch.clear(workspace, held)


def _bytes(size: str) -> int | None:
    """Return a size as the hub lists it, in bytes; None where it is none."""
    match = _SIZE.match(size)
    return int(float(match[1]) * _GIB) if match else None

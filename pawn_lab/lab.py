"""The lab's front: what the MCP server, the CLI and scripts call.

No daemon stands behind it. Every call first brings the workspace up to date (`tick`), so it
does not matter which process calls, how many do, or which of them die.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Self

from pawn_lab import failpoints
from pawn_lab.paths import WorkspacePaths, default_workspace
from pawn_lab.processes import devices, start, tick
from pawn_lab.processes.shim import Limits
from pawn_lab.records import (
    CostReport,
    DeviceStatus,
    EventPage,
    LogExcerpt,
    Progress,
    Spent,
    Trial,
    TrialResult,
)
from pawn_lab.reporting import cost, digest, log, notes, results
from pawn_lab.store import Database, Transaction, events, leases, trials
from pawn_lab.store.database import Row
from pawn_lab.trials import launches, lineage, requests, views
from pawn_lab.trials.states import HOLDING, State


class Lab:
    """One workspace of experiments."""

    def __init__(
        self,
        paths: WorkspacePaths,
        database: Database,
        inventory: list[devices.Device],
        launcher: start.Launcher,
    ) -> None:
        self.paths = paths
        self._database = database
        self._devices = inventory
        self._launcher = launcher

    @classmethod
    def open(
        cls,
        workspace: Path | None = None,
        *,
        trainer: Sequence[str] = start.TRAINER,
        limits: Limits = Limits(),  # noqa: B008 - frozen
    ) -> Self:
        """Open a workspace, by default `PAWN_WORKSPACE` or `runs`, creating it where needed.

        Raises:
            WorkspaceError: it cannot be written, or its state is damaged or from another version.
        """
        paths = WorkspacePaths(Path(workspace or default_workspace()).absolute())
        launcher = start.Launcher(tuple(trainer), limits)
        return cls(paths, Database.open(paths), devices.inventory(), launcher)

    def close(self) -> None:
        """Close the database; trials go on."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def launch(
        self,
        config: dict[str, Any],
        *,
        tags: Sequence[str] = (),
        hypothesis: str | None = None,
        priority: int = 0,
        idempotency_key: str | None = None,
        gpus: int = 1,
    ) -> Trial:
        """Queue a trial and start it if a device is free; a known key returns its first trial.

        Raises:
            InvalidRequestError: the config or another argument is refused; says why.
        """
        requests.check_gpus(gpus)
        checked = requests.checked_config(config)
        request = requests.request(
            priority, idempotency_key, config=checked.model_dump(mode="json")
        )
        columns = {
            "tags": requests.checked_tags(tags),
            "hypothesis": requests.checked_hypothesis(hypothesis),
        }
        with self._database.write() as tx:
            trial_id = launches.launch(tx, request, checked, self._launcher, **columns)
        self.tick()
        return self.trial(trial_id)

    def resume(
        self,
        trial_id: int,
        *,
        overrides: dict[str, Any] | None = None,
        pause_after_steps: int | None = None,
        priority: int = 0,
        idempotency_key: str | None = None,
    ) -> Trial:
        """Queue a new trial that goes on from a trial's newest verified checkpoint.

        It has the parent's config with `overrides`, and pauses only where told to.

        Raises:
            TrialStateError: the trial has not ended.
            NoCheckpointError: it has no checkpoint that can be trusted.
            UnsafeOverrideError: an override of what the checkpoint decides, such as d_model.
            InvalidRequestError: another argument is refused; says why.
        """
        requests.check_json("overrides", overrides)
        asked = {"resume": trial_id, "overrides": overrides, "pause_after_steps": pause_after_steps}
        request = requests.request(priority, idempotency_key, **asked)
        self.tick()
        with self._database.read() as tx:
            known, parent = launches.known(tx, request), trials.get(tx, trial_id)
        if known is not None:
            return self.trial(known)
        lineage.check_ended(parent)
        point = lineage.resume_point(parent, self.paths.trial(trial_id))
        config = lineage.resumed_config(
            parent, point.checkpoint.step, overrides or {}, pause_after_steps
        )
        with self._database.write() as tx:
            new_id = launches.resume(
                tx, request, config, self._launcher, parent, point, self.paths.root
            )
        self.tick()
        return self.trial(new_id)

    def kill(self, trial_id: int, *, reason: str | None = None) -> Trial:
        """Ask a trial to save and stop, by force after its grace period; returns at once.

        Raises:
            TrialStateError: the trial has already ended.
        """
        why = requests.checked_reason(reason)
        self.tick()
        with self._database.write() as tx:
            launches.request_kill(tx, trials.get(tx, trial_id), why)
        failpoints.hit("kill.requested")
        self.tick()
        return self.trial(trial_id)

    def trial(self, trial_id: int) -> Trial:
        """Return a trial.

        Raises:
            UnknownTrialError: no such trial.
        """
        self.tick()
        with self._database.read() as tx:
            return views.trial_record(tx, trials.get(tx, trial_id), self._devices)

    def trials(
        self, states: Iterable[State | str] | None = None, tag: str | None = None
    ) -> list[Trial]:
        """Return trials by number: all, or those in some states, or with a tag.

        Raises:
            InvalidRequestError: an unknown state.
        """
        wanted = requests.checked_states(states)
        self.tick()
        with self._database.read() as tx:
            rows = _tagged(trials.select(tx, wanted), tag)
            return views.trial_records(tx, rows, self._devices)

    def selected(
        self, trial_ids: Iterable[int] | None = None, tag: str | None = None
    ) -> list[Trial]:
        """Return the trials of these numbers, of this tag, or of both; all where neither is given.

        Raises:
            UnknownTrialError: no such trial.
        """
        once = None if trial_ids is None else dict.fromkeys(trial_ids)
        self.tick()
        with self._database.read() as tx:
            rows = _tagged(_rows(tx, once), tag)
            return views.trial_records(tx, rows, self._devices)

    def events(self, since: int = 0, limit: int = 100) -> EventPage:
        """Return events after a cursor, oldest first; the answer carries the next cursor."""
        requests.check_page(since, limit)
        self.tick()
        with self._database.read() as tx:
            return events.page(tx, since, limit)

    def latest_event(self) -> int:
        """Return the number of the newest event: the cursor of now."""
        self.tick()
        with self._database.read() as tx:
            return events.last(tx)

    def results(
        self, trial_ids: Iterable[int] | None = None, tag: str | None = None
    ) -> list[TrialResult]:
        """Return the last and best evaluation of each trial, with its ablation and cost."""
        self.tick()
        with self._database.read() as tx:
            rows = _tagged(_rows(tx, trial_ids), tag)
            costs = cost.by_trial(tx, leases.history(tx))
        return [
            results.result(row, self.paths.trial(row["id"]), costs.get(row["id"], 0.0))
            for row in rows
        ]

    def progress(self, trial_id: int) -> Progress:
        """Return a trial's step, latest records, rate and time to its next stop."""
        self.tick()
        with self._database.read() as tx:
            row = trials.get(tx, trial_id)
        return results.progress(row, self.paths.trial(trial_id))

    def log(self, trial_id: int, lines: int = 50, grep: str | None = None) -> LogExcerpt:
        """Return the last lines of a trial's log, or the last that contain `grep`."""
        with self._database.read() as tx:
            trials.get(tx, trial_id)
        return log.excerpt(trial_id, self.paths.trial(trial_id).log, lines, grep)

    def notes(self, append: str | None = None, section: str | None = None) -> str:
        """Append a section to the lab notes, or return them; a section by its title.

        Raises:
            NotesTooLongError: the text does not fit a section.
        """
        if append is not None:
            notes.append(self.paths, append, section)
        return notes.read(self.paths, section)

    def digest(self) -> str:
        """Return the lab's state in under 1,500 characters."""
        self.tick()
        with self._database.read() as tx:
            held, counts = trials.select(tx, HOLDING), trials.counts(tx)
            queued = [row["id"] for row in trials.queue(tx)]
            latest, spent = events.latest(tx, 5), cost.report(tx, len(self._devices))
        running = [results.progress(row, self.paths.trial(row["id"])) for row in held]
        return digest.digest(counts, running, queued, latest, spent)

    def set_cost(self, cost_per_hour: float) -> CostReport:
        """Set what the whole machine costs an hour from now on.

        Raises:
            InvalidRequestError: not a number from 0 to 100,000.
        """
        with self._database.write() as tx:
            cost.set_rate(tx, cost_per_hour, len(self._devices))
        return self.cost()

    def cost(self) -> CostReport:
        """Return the money spent on the device-time that trials held."""
        self.tick()
        with self._database.read() as tx:
            return cost.report(tx, len(self._devices))

    def spent(self, trial_id: int, moments: Sequence[float]) -> list[Spent]:
        """Return the device-hours and the money that a trial had taken at each moment."""
        with self._database.read() as tx:
            return cost.spent(tx, leases.history(tx, trial_id), moments)

    def devices(self) -> list[DeviceStatus]:
        """Return the devices with their load and who holds them."""
        self.tick()
        with self._database.read() as tx:
            held = leases.held(tx)
        return devices.statuses(self._devices, held)

    def tick(self) -> None:
        """Bring every trial up to date, launch what fits, and pass on kills."""
        tick.tick(self._database, self.paths, self._devices)


def _tagged(rows: list[Row], tag: str | None) -> list[Row]:
    return rows if tag is None else [row for row in rows if tag in row["tags"]]


def _rows(tx: Transaction, trial_ids: Iterable[int] | None) -> list[Row]:
    if trial_ids is None:
        return trials.select(tx)
    return [trials.get(tx, trial_id) for trial_id in trial_ids]

"""What changes trials: launch, resume, kill."""

import time
from collections.abc import Sequence
from typing import Any

from pawn_core.config import RunConfig
from pawn_lab import failpoints
from pawn_lab.lab.queries import Queries
from pawn_lab.records import Estimate, Launched, Resumed, Trial
from pawn_lab.scheduling import budget, estimates, runnable
from pawn_lab.states import State
from pawn_lab.store import trials
from pawn_lab.store.database import Row
from pawn_lab.trials import checks, launches, lineage, requests
from pawn_lab.trials.launches import Made
from pawn_lab.trials.lineage import Continuation, Which

SHIM_TIMEOUT_S = 30.0
SHIM_POLL_S = 0.02


class Launching(Queries):
    """Calls that start trials and end them."""

    def launch(
        self,
        config: dict[str, Any],
        *,
        tags: Sequence[str] = (),
        hypothesis: str | None = None,
        priority: int = 0,
        idempotency_key: str | None = None,
        gpus: int | None = None,
    ) -> Trial:
        """Queue a trial and start it if a device is free; a known key returns its first trial.

        Raises:
            InvalidRequestError: the config or another argument is refused; says why.
            BudgetExceededError: it is expected to cost more than the budget leaves.
        """
        launched = self.launch_group(
            config,
            tags=tags,
            hypothesis=hypothesis,
            priority=priority,
            idempotency_key=idempotency_key,
            gpus=gpus,
        )
        return launched.trials[0]

    def launch_group(
        self,
        config: dict[str, Any],
        *,
        seeds: int = 1,
        once: bool = False,
        tags: Sequence[str] = (),
        hypothesis: str | None = None,
        priority: int = 0,
        idempotency_key: str | None = None,
        gpus: int | None = None,
        max_hours: float | None = None,
        stop_by_forecast: bool = False,
    ) -> Launched:
        """Queue trials that differ only in the seed, in one transaction.

        A known key returns the trials of its first call. With `once`, a trial that has the same
        config, seeds and code already, and did not fail, is returned instead of a new one. After
        `max_hours` on its device a trial saves and is stopped; with `stop_by_forecast` also when it
        is expected to end worse than a comparable trial has got. `gpus`: devices for each trial, if
        the config does not say it.

        Raises:
            InvalidRequestError: the config or another argument is refused; says why.
            BudgetExceededError: it is expected to cost more than the budget leaves.
        """
        checked = checks.checked_config(checks.with_gpus(config, gpus))
        warnings = runnable.check_runnable(checked, self._executor, self._devices)
        configs = checks.checked_seeds(checked, seeds)
        asked: dict[str, Any] = {"config": checked.model_dump(mode="json"), "seeds": seeds}
        request = requests.request(priority, idempotency_key, **asked)
        launcher = self._launcher.limited(requests.checked_hours(max_hours))
        if stop_by_forecast:
            checks.check_single_model(checked)
            launcher = launcher.hopeless_stopped()
        columns = {
            "tags": requests.checked_tags(tags),
            "hypothesis": requests.checked_hypothesis(hypothesis),
        }
        self.create()
        with self._database.write() as tx:
            made = launches.launch(tx, request, configs, launcher, once=once, **columns)
            budget.reserve(tx, self.paths, self._devices, made.new)
        with self.one_pass():
            self.tick()
            launched = self.selected(made.trials)
        config = asked["config"]
        return Launched(trials=launched, known=made.known, config=config, warnings=warnings)

    def repeated(self, config: RunConfig, seeds: int) -> list[int]:
        """Return the trials that a launch without a key would return instead of new ones."""
        configs = checks.checked_seeds(config, seeds) if seeds else []
        marks = [launches.fingerprint(own, self._launcher) for own in configs]
        with self._database.read() as tx:
            alike = [trials.alike(tx, mark) for mark in marks]
        return [trial_id for trial_id in alike if trial_id is not None]

    def estimate(
        self, config: dict[str, Any], *, priority: int = 0, gpus: int | None = None
    ) -> tuple[RunConfig, Estimate]:
        """Return the resolved config and what one trial of it would take, launched now.

        Raises:
            InvalidRequestError: the config or the priority is refused; says why.
        """
        checked = checks.checked_config(checks.with_gpus(config, gpus))
        warnings = runnable.check_runnable(checked, self._executor, self._devices)
        requests.request(priority, None)
        self._refresh()
        with self._database.read() as tx:
            planned = estimates.estimate(tx, self.paths, self._devices, checked, priority)
        return checked, planned.model_copy(update={"warnings": warnings})

    def resume(self, trial_id: int, **asked: Any) -> Trial:
        """Queue a new trial that goes on from a checkpoint of a trial; see `continue_from`."""
        trial = self.continue_from(trial_id, **asked).trial
        assert trial is not None, "only a dry run has none"
        return trial

    def continue_from(
        self,
        trial_id: int,
        *,
        checkpoint: Which = "latest",
        overrides: dict[str, Any] | None = None,
        pause_after_steps: int | None = None,
        tags: Sequence[str] | None = None,
        hypothesis: str | None = None,
        priority: int = 0,
        idempotency_key: str | None = None,
        once: bool = False,
        dry_run: bool = False,
    ) -> Resumed:
        """Queue a new trial that goes on from a verified checkpoint of a trial.

        It has the parent's config with `overrides`, and pauses only where told to; the parent's
        tags and hypothesis unless given. `checkpoint` is latest, best (lowest validation loss) or a
        step; from a step, a trial that still runs can be forked too. With `once`, a trial that
        continues the checkpoint by the same config and code, and did not fail, is returned instead.

        Raises:
            TrialStateError: the trial has not ended, and no step was named.
            NoCheckpointError: it has no checkpoint that can be trusted.
            UnsafeOverrideError: an override of what the checkpoint decides, such as d_model.
            InvalidRequestError: another argument is refused; says why.
        """
        checks.check_json("overrides", overrides)
        asked = {"resume": trial_id, "overrides": overrides, "pause_after_steps": pause_after_steps}
        asked |= {} if checkpoint == "latest" else {"checkpoint": checkpoint}
        columns = _given(
            tags=None if tags is None else requests.checked_tags(tags),
            hypothesis=requests.checked_hypothesis(hypothesis),
        )
        request = requests.request(priority, idempotency_key, **asked)
        self._refresh()
        with self._database.read() as tx:
            known, parent = launches.known(tx, request), trials.get(tx, trial_id)
        if known is not None:
            return self._resumed(parent, Made([known], [known]), [])
        lineage.check_resumable(parent, checkpoint)
        point = lineage.resume_point(parent, self.paths.trial(trial_id), checkpoint)
        config = lineage.resumed_config(
            parent, point.checkpoint.step, overrides or {}, pause_after_steps
        )
        warnings = runnable.check_runnable(config, self._executor, self._devices)
        continuation = Continuation(parent, point, config)
        if dry_run:
            return self._would_resume(continuation, priority, once)
        with self._database.write() as tx:
            made = launches.resume(
                tx, request, continuation, self._launcher, self.paths.root, once=once, **columns
            )
            budget.reserve(tx, self.paths, self._devices, made.new)
        with self.one_pass():
            self.tick()
            return self._resumed(parent, made, warnings)

    def _resumed(self, parent: Row, made: Made, warnings: list[str]) -> Resumed:
        trial = self.trial(made.trials[0])
        return Resumed(
            trial=trial,
            repeated=made.known,
            parent=parent["config"],
            config=trial.config,
            from_step=trial.from_step or 0,
            without=lineage.dropped_limits(parent, self._launcher.limits),
            warnings=warnings,
        )

    def _would_resume(self, continuation: Continuation, priority: int, once: bool) -> Resumed:
        """Return what a resume would come to, launched now."""
        parent, point, config = continuation
        step = point.checkpoint.step
        with self._database.read() as tx:
            mark = launches.fingerprint_of(continuation, self._launcher)
            alike = trials.alike(tx, mark) if once else None
            planned = estimates.estimate(tx, self.paths, self._devices, config, priority, step)
        return Resumed(
            trial=None,
            repeated=[] if alike is None else [alike],
            parent=parent["config"],
            config=config.model_dump(mode="json"),
            from_step=step,
            without=lineage.dropped_limits(parent, self._launcher.limits),
            estimate=planned,
            warnings=runnable.check_runnable(config, self._executor, self._devices),
        )

    def kill(self, trial_id: int, *, reason: str | None = None) -> Trial:
        """Ask a trial to save and stop, by force after its grace period; returns at once.

        Raises:
            TrialStateError: the trial has already ended.
        """
        why = requests.checked_reason(reason)
        self._refresh()
        with self._database.write() as tx:
            launches.request_kill(tx, trials.get(tx, trial_id), why)
        failpoints.hit("kill.requested")
        self._await_shim(trial_id)
        return self._after_pass(trial_id)

    def _await_shim(self, trial_id: int) -> None:
        """Wait until a trial that is being launched has somebody who can be told to stop."""
        deadline = time.monotonic() + SHIM_TIMEOUT_S
        while self._is_launching(trial_id) and time.monotonic() < deadline:
            time.sleep(SHIM_POLL_S)
            self.tick()

    def _is_launching(self, trial_id: int) -> bool:
        with self._database.read() as tx:
            return trials.get(tx, trial_id)["state"] == State.LAUNCHING

    def _after_pass(self, trial_id: int) -> Trial:
        """Return a trial that was changed, once the scheduler has seen it."""
        with self.one_pass():
            self.tick()
            return self.trial(trial_id)


def _given(**columns: Any) -> dict[str, Any]:
    """Return the columns that have a value."""
    return {name: value for name, value in columns.items() if value is not None}

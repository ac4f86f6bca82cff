"""Resuming: trials that go on from a checkpoint of another, and what they would take."""

from collections.abc import Sequence
from typing import Any

from pawn_lab.lab.launching import untried, with_fixed_weights
from pawn_lab.lab.queries import trial
from pawn_lab.lab.workspace import Lab
from pawn_lab.records import Resumed, Trial
from pawn_lab.scheduling import budget, estimates, runnable
from pawn_lab.store import trials
from pawn_lab.store.rows import TrialRow
from pawn_lab.trials import checks, launches, lineage, requests
from pawn_lab.trials.launches import Made
from pawn_lab.trials.lineage import Continuation, Which


def resume(lab: Lab, trial_id: int, **asked: Any) -> Trial:
    """Queue a new trial that goes on from a checkpoint of a trial; see `continue_from`."""
    resumed = continue_from(lab, trial_id, **asked).trial
    assert resumed is not None, "only a dry run has none"
    return resumed


def continue_from(
    lab: Lab,
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
    hold: bool = False,
    dry_run: bool = False,
) -> Resumed:
    """Queue a new trial that goes on from a verified checkpoint of a trial.

    It has the parent's config with `overrides`, and pauses only where told to; the parent's
    tags and hypothesis unless given. `checkpoint` is latest, best (lowest validation loss) or a
    step; from a step, a trial that still runs can be forked too. With `once`, a trial that
    continues the checkpoint by the same config and code, and did not fail, is returned instead.
    With `hold` it starts once a person has approved it.

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
        on_hold=hold,
    )
    request = requests.request(priority, idempotency_key, **asked)
    lab.refresh()
    with lab.database.read() as tx:
        known, parent = launches.known(tx, request), trials.get(tx, trial_id)
    if known is not None:
        return _resumed(lab, parent, Made([known], [known]), [])
    lineage.check_resumable(parent, checkpoint)
    point = lineage.resume_point(parent, lab.paths.trial(trial_id), checkpoint)
    config = lineage.resumed_config(
        parent, point.checkpoint.step, overrides or {}, pause_after_steps
    )
    config = with_fixed_weights(lab, config)
    warnings = runnable.check_runnable(config, lab.executor, lab.devices) + untried(lab)
    continuation = Continuation(parent, point, config)
    if dry_run:
        return _would_resume(lab, continuation, priority, once)
    with lab.database.write() as tx:
        made = launches.resume(
            tx, request, continuation, lab.launcher, lab.paths.root, once=once, **columns
        )
        budget.reserve(tx, lab.paths, lab.devices, made.new)
    with lab.one_pass():
        lab.tick()
        return _resumed(lab, parent, made, warnings)


def _resumed(lab: Lab, parent: TrialRow, made: Made, warnings: list[str]) -> Resumed:
    resumed = trial(lab, made.trials[0])
    return Resumed(
        trial=resumed,
        repeated=made.known,
        parent=parent.config,
        config=resumed.config,
        from_step=resumed.from_step or 0,
        without=lineage.dropped_limits(parent, lab.launcher.limits),
        warnings=warnings,
    )


def _would_resume(lab: Lab, continuation: Continuation, priority: int, once: bool) -> Resumed:
    """Return what a resume would come to, launched now."""
    parent, point, config = continuation
    step = point.checkpoint.step
    with lab.database.read() as tx:
        mark = launches.fingerprint_of(continuation, lab.launcher)
        alike = trials.alike(tx, mark) if once else None
        planned = estimates.estimate(tx, lab.paths, lab.devices, config, priority, step)
    return Resumed(
        trial=None,
        repeated=[] if alike is None else [alike],
        parent=parent.config,
        config=config.model_dump(mode="json"),
        from_step=step,
        without=lineage.dropped_limits(parent, lab.launcher.limits),
        estimate=planned,
        warnings=runnable.check_runnable(config, lab.executor, lab.devices),
    )


def _given(**columns: Any) -> dict[str, Any]:
    """Return the columns that have a value."""
    return {name: value for name, value in columns.items() if value is not None}

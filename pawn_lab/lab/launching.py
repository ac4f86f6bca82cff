"""Launching: new trials, and what they would take."""

from collections.abc import Sequence
from typing import Any

from pawn_core.config import RunConfig
from pawn_core.footprint import backbone_refusal
from pawn_lab.configs import StoredConfig
from pawn_lab.errors import InvalidConfigError
from pawn_lab.lab.queries import selected
from pawn_lab.lab.spending import hourly
from pawn_lab.lab.workspace import Lab
from pawn_lab.records import Estimate, Launched, Trial
from pawn_lab.scheduling import budget, estimates, runnable
from pawn_lab.store import trials
from pawn_lab.trials import checks, launches, preflights, requests, subjects
from pawn_lab.trials.requests import Request


def launch(
    lab: Lab,
    config: dict[str, Any],
    *,
    tags: Sequence[str] = (),
    hypothesis: str | None = None,
    priority: int = 0,
    idempotency_key: str | None = None,
    gpus: int | None = None,
    hold: bool = False,
) -> Trial:
    """Queue a trial and start it if a device is free; a known key returns its first trial.

    Raises:
        InvalidRequestError: the config or another argument is refused; says why.
        BudgetExceededError: it is expected to cost more than the budget leaves.
    """
    launched = launch_group(
        lab,
        config,
        tags=tags,
        hypothesis=hypothesis,
        priority=priority,
        idempotency_key=idempotency_key,
        gpus=gpus,
        hold=hold,
    )
    return launched.trials[0]


def launch_group(
    lab: Lab,
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
    hold: bool = False,
) -> Launched:
    """Queue trials that differ only in the seed, in one transaction.

    A known key returns the trials of its first call. With `once`, a trial that has the same
    config, seeds and code already, and did not fail, is returned instead of a new one. After
    `max_hours` on its device a trial saves and is stopped; with `stop_by_forecast` also when it
    is expected to end worse than a comparable trial has got. `gpus`: devices for each trial, if
    the config does not say it. With `hold` new ones start once a person has approved them.

    Raises:
        InvalidRequestError: the config or another argument is refused; says why.
        BudgetExceededError: it is expected to cost more than the budget leaves.
    """
    checked = checks.checked_config(checks.with_gpus(config, gpus))
    warnings = runnable.check_runnable(checked, lab.executor, lab.devices)
    asked: dict[str, Any] = {"config": checked.model_dump(mode="json"), "seeds": seeds}
    request = requests.request(priority, idempotency_key, **asked)
    checked = with_fixed_weights(lab, checked, request)
    configs = checks.checked_seeds(checked, seeds)
    launcher = lab.launcher.limited(requests.checked_hours(max_hours))
    if stop_by_forecast:
        checks.check_can_be_forecast(checked)
        launcher = launcher.hopeless_stopped()
    columns = {
        "tags": requests.checked_tags(tags),
        "hypothesis": requests.checked_hypothesis(hypothesis),
        "on_hold": hold,
    }
    lab.create()
    with lab.database.write() as tx:
        made = launches.launch(tx, request, configs, launcher, once=once, **columns)
        budget.reserve(tx, lab.paths, lab.devices, made.new)
    with lab.one_pass():
        lab.tick()
        launched = selected(lab, made.trials)
    resolved = checked.model_dump(mode="json")
    warnings += untried(lab)
    return Launched(trials=launched, known=made.known, config=resolved, warnings=warnings)


def untried(lab: Lab) -> list[str]:
    """Say that what costs something is not tried first, because the user wants it so."""
    if not (preflights.is_off() and preflights.is_paid(lab.launcher.trainer, hourly(lab))):
        return []
    return [f"{preflights.VARIABLE}=0: paid for from the first step on, without a preflight"]


def with_fixed_weights(lab: Lab, config: RunConfig, request: Request | None = None) -> RunConfig:
    """Return a config whose weights of other trials are those of a step.

    A request that has made its trials before is not looked up anew: newer weights may be there.

    Raises:
        UnknownTrialError, NoCheckpointError, InvalidRequestError: see `subjects.fixed`.
        InvalidConfigError: a backbone lacks a layer that is to be adapted.
    """
    if not config.weights_fields | config.path_fields.keys():
        return config
    numbers = {weights.trial for weights in subjects.named(StoredConfig.of(config)).values()}
    lab.refresh()
    with lab.database.read() as tx:
        if request is not None and launches.known(tx, request) is not None:
            return config
        rows = {number: trials.get(tx, number) for number in numbers}
    fixed = subjects.fixed(config, rows, lab.paths)
    if refusal := backbone_refusal(subjects.located(fixed, lab.paths)):
        raise InvalidConfigError(refusal)
    return fixed


def repeated(lab: Lab, config: RunConfig, seeds: int) -> list[int]:
    """Return the trials that a launch without a key would return instead of new ones."""
    configs = checks.checked_seeds(config, seeds) if seeds else []
    marks = [launches.fingerprint(own, lab.launcher) for own in configs]
    with lab.database.read() as tx:
        alike = [trials.alike(tx, mark) for mark in marks]
    return [trial_id for trial_id in alike if trial_id is not None]


def estimate(
    lab: Lab, config: dict[str, Any], *, priority: int = 0, gpus: int | None = None
) -> tuple[RunConfig, Estimate]:
    """Return the resolved config and what one trial of it would take, launched now.

    Raises:
        InvalidRequestError: the config or the priority is refused; says why.
    """
    checked = checks.checked_config(checks.with_gpus(config, gpus))
    warnings = runnable.check_runnable(checked, lab.executor, lab.devices)
    requests.request(priority, None)
    checked = with_fixed_weights(lab, checked)
    lab.refresh()
    with lab.database.read() as tx:
        planned = estimates.estimate(tx, lab.paths, lab.devices, checked, priority)
    return checked, planned.model_copy(update={"warnings": warnings})

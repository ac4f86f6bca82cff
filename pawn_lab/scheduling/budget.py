"""A cap on money: reserved at launch, forecast while trials run, kept by a soft stop.

A trial that starts reserves the device-time that nine in ten comparable trials stay below, or all
of fewer than ten; one without history reserves nothing. At the moment at which the budget will be
spent, the shims stop their trainers by SIGTERM: each saves a checkpoint and can be resumed. A
budget counts either the device-time that trials hold or the machine's own time, which passes
whether any trial runs or not.
"""

import math
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from pawn_lab.errors import BudgetExceededError, InvalidRequestError
from pawn_lab.executors.executor import Device
from pawn_lab.paths import WorkspacePaths
from pawn_lab.records import Basis, BudgetReport
from pawn_lab.reporting import cost, results
from pawn_lab.scheduling.speed import Comparables, devices_needed
from pawn_lab.shim.rules import BudgetStop
from pawn_lab.states import ACTIVE, HOLDING
from pawn_lab.store import Transaction, events, leases, prices, trials
from pawn_lab.store.rows import TrialRow

MOST_BUDGET = 1e9
_HOUR_S = 3600.0


def set_budget(
    tx: Transaction, budget: float | None, basis: Basis | None = None, caller: str | None = None
) -> None:
    """Cap what all trials, or all hours of the machine, may cost from the first on.

    None removes the cap; without a basis it counts what it has counted, at first device-time. The
    event says who set it.

    Raises:
        InvalidRequestError: not a number from 0 to `MOST_BUDGET`.
    """
    if budget is not None and not (math.isfinite(budget) and 0 <= budget <= MOST_BUDGET):
        raise InvalidRequestError(f"budget {budget} is not allowed: 0 to {MOST_BUDGET:g}, or none")
    latest = prices.latest_budget(tx)
    basis = basis or latest.basis
    if (budget, basis) == (latest.budget, latest.basis):
        return
    prices.add_budget(tx, budget, basis)
    counts = "the machine's time" if basis == "machine_time" else "device-time"
    message = "no budget" if budget is None else f"the budget is {budget:g} in all, of {counts}"
    events.append_asked(tx, "budget", message, None, caller, budget=budget, basis=basis)


def report(tx: Transaction, costs: Mapping[int, float] | None = None) -> BudgetReport | None:
    """Return the cap, what was spent and what active trials have reserved; None without a cap.

    costs: of each trial, where they are known.
    """
    cap = prices.latest_budget(tx)
    if cap.budget is None:
        return None
    if costs is None:
        costs = cost.by_trial(tx, leases.history(tx))
    rate = (cost.device_rate(tx) or 0.0) / _HOUR_S
    ahead = [
        _Ahead(
            max(0.0, (row.expected_s or 0.0) * rate - costs.get(row.id, 0.0)),
            devices_needed(row.config),
        )
        for row in trials.select(tx, ACTIVE)
    ]
    spent, reserved = _spent(tx, cap.basis, costs), _to_come(tx, cap.basis, ahead)
    return BudgetReport(budget=cap.budget, basis=cap.basis, spent=spent, reserved=reserved)


class _Ahead(NamedTuple):
    """What the device-time that a trial has ahead of it costs, and how many devices it takes."""

    cost: float
    devices: int


def _spent(tx: Transaction, basis: Basis, costs: Mapping[int, float]) -> float:
    if basis == "device_time":
        return math.fsum(costs.values())
    machine = cost.machine(tx)
    return machine.total if machine else 0.0


def _to_come(tx: Transaction, basis: Basis, ahead: list[_Ahead]) -> float:
    """Return what trials will cost at least.

    On the machine's clock they share its devices at best, and none is over before its own end.
    """
    total = math.fsum(trial.cost for trial in ahead)
    if basis == "device_time" or not total:
        return total
    devices = prices.rates(tx)[-1].devices
    return max(total, *(trial.cost * devices / trial.devices for trial in ahead))


def reserve(
    tx: Transaction,
    workspace: WorkspacePaths,
    devices: list[Device],
    launched: Iterable[int],
    *,
    refuse: bool = True,
) -> None:
    """Reserve what new trials are expected to take.

    Raises:
        BudgetExceededError: with `refuse`, where it does not fit what is left; the transaction must
            not be kept.
    """
    if prices.latest_budget(tx).budget is None or not (new := list(launched)):
        return
    comparables = Comparables(tx, workspace, devices)
    for trial_id in new:
        row = trials.get(tx, trial_id)
        expected = comparables.duration_s(row.config, row.from_step)
        device_time = expected and expected.high * devices_needed(row.config)
        tx.update("trials", trial_id, expected_s=device_time)
    after = report(tx)
    if refuse and after is not None and after.spent + after.reserved > after.budget:
        raise BudgetExceededError(_does_not_fit(after, len(new)))


def exhausted(tx: Transaction) -> str | None:
    """Say that nothing may start because the budget is spent; None where something may."""
    now = report(tx)
    if now is None or now.spent < now.budget:
        return None
    return (
        f"the budget is spent: {now.spent:.2f} of {now.budget:g}{_of_what(now)}; "
        "raise it with lab_set_cost(budget=...)"
    )


def watch(tx: Transaction, workspace: WorkspacePaths) -> None:
    """Tell shims when to stop, and report once that the trials would take more than is left."""
    now = report(tx)
    BudgetStop(workspace.budget_stop).write(None if now is None else spent_at(tx, now))
    if now is not None and not prices.latest_budget(tx).overrun_told:
        _forecast(tx, workspace, now)


def ahead(tx: Transaction, workspace: WorkspacePaths, basis: Basis) -> float:
    """Return what active trials will take still, of what a budget counts."""
    rate = (cost.device_rate(tx) or 0.0) / _HOUR_S
    active = trials.select(tx, ACTIVE)
    costs = [_Ahead(rate * _ahead_s(workspace, r), devices_needed(r.config)) for r in active]
    return _to_come(tx, basis, costs)


def _forecast(tx: Transaction, workspace: WorkspacePaths, now: BudgetReport) -> None:
    more = ahead(tx, workspace, now.basis)
    if more == 0.0 or now.spent + more <= now.budget:
        return
    message = (
        f"{now.spent:.2f} spent, about {more:.2f} more for the active trials: over the budget of "
        f"{now.budget:g}{_of_what(now)}; they will be stopped there, with a checkpoint"
    )
    data = {"spent": now.spent, "ahead": more, "budget": now.budget}
    events.append(tx, "budget_forecast", message, data=data)
    prices.note_overrun(tx)


def _ahead_s(workspace: WorkspacePaths, row: TrialRow) -> float:
    """Return the device-time still ahead of a trial: from its rate, else what it reserved."""
    if row.state in HOLDING:
        eta = results.progress(row, workspace.trial(row.id)).eta_s
        if eta is not None:
            return eta * devices_needed(row.config)
    return row.expected_s or 0.0


def spent_at(tx: Transaction, now: BudgetReport) -> float | None:
    """Return when the rest will be spent, as things stand; None: never."""
    history = prices.rates(tx)
    if now.basis == "machine_time":
        burn = history[-1].cost_per_hour / _HOUR_S if history else 0.0
    else:
        burn = (cost.device_rate(tx) or 0.0) / _HOUR_S * len(leases.held(tx))
    return tx.now + max(0.0, now.budget - now.spent) / burn if burn > 0 else None


def _of_what(now: BudgetReport) -> str:
    return " of the machine's time" if now.basis == "machine_time" else ""


def _does_not_fit(after: BudgetReport, count: int) -> str:
    over = after.spent + after.reserved - after.budget
    trials_ = "this trial" if count == 1 else f"these {count} trials"
    return (
        f"budget {after.budget:g}{_of_what(after)} is too small by {over:.2f}: {after.spent:.2f} "
        f"spent and {after.reserved:.2f} reserved, {trials_} included; raise it with "
        "lab_set_cost(budget=...), set pause_after_steps, or kill a trial"
    )

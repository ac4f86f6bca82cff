"""A cap on money: reserved at launch, forecast while trials run, kept by a soft stop.

A trial that starts reserves the device-time that nine in ten comparable trials stay below; one
without history reserves nothing. At the moment at which the devices now held will have spent the
budget, the shims stop their trainers by SIGTERM: each saves a checkpoint and can be resumed.
"""

import math
from collections.abc import Iterable

from pawn_lab.documents import write_json
from pawn_lab.errors import BudgetExceededError, InvalidRequestError
from pawn_lab.paths import WorkspacePaths
from pawn_lab.planning.speed import Comparables, devices_needed
from pawn_lab.processes.devices import Device
from pawn_lab.processes.limits import BudgetStop
from pawn_lab.records import BudgetReport
from pawn_lab.reporting import cost, results
from pawn_lab.store import Transaction, events, leases, trials
from pawn_lab.store.database import Row
from pawn_lab.trials.states import ACTIVE, HOLDING

MOST_BUDGET = 1e9
_HOUR_S = 3600.0
_SAME_MOMENT_S = 0.5


def set_budget(tx: Transaction, budget: float | None) -> None:
    """Cap what all trials together may cost from the first on; None removes the cap.

    Raises:
        InvalidRequestError: not a number from 0 to `MOST_BUDGET`.
    """
    if budget is not None and not (math.isfinite(budget) and 0 <= budget <= MOST_BUDGET):
        raise InvalidRequestError(f"budget {budget} is not allowed: 0 to {MOST_BUDGET:g}, or none")
    if budget == _cap(tx):
        return
    tx.insert("budgets", since=tx.now, budget=budget)
    message = "no budget" if budget is None else f"the budget is {budget:g} in all"
    events.append(tx, "budget", message, data={"budget": budget})


def report(tx: Transaction) -> BudgetReport | None:
    """Return the cap, what was spent and what active trials have reserved; None without a cap."""
    cap = _cap(tx)
    if cap is None:
        return None
    costs = cost.by_trial(tx, leases.history(tx))
    rate = (cost.device_rate(tx) or 0.0) / _HOUR_S
    reserved = math.fsum(
        max(0.0, (row["expected_s"] or 0.0) * rate - costs.get(row["id"], 0.0))
        for row in trials.select(tx, ACTIVE)
    )
    return BudgetReport(budget=cap, spent=math.fsum(costs.values()), reserved=reserved)


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
    if _cap(tx) is None or not (new := list(launched)):
        return
    comparables = Comparables(tx, workspace, devices)
    for trial_id in new:
        row = trials.get(tx, trial_id)
        expected = comparables.duration_s(row["config"], row["from_step"])
        device_time = expected and expected.p90 * devices_needed(row["config"])
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
        f"the budget is spent: {now.spent:.2f} of {now.budget:g}; "
        "raise it with lab_set_cost(budget=...)"
    )


def watch(tx: Transaction, workspace: WorkspacePaths) -> None:
    """Tell shims when to stop, and report once that the trials would take more than is left."""
    now = report(tx)
    _write_stop(workspace, None if now is None else _stop_at(tx, now))
    if now is not None and not _told(tx):
        _forecast(tx, workspace, now)


def _forecast(tx: Transaction, workspace: WorkspacePaths, now: BudgetReport) -> None:
    rate = (cost.device_rate(tx) or 0.0) / _HOUR_S
    ahead = rate * math.fsum(_ahead_s(workspace, row) for row in trials.select(tx, ACTIVE))
    if ahead == 0.0 or now.spent + ahead <= now.budget:
        return
    message = (
        f"{now.spent:.2f} spent, about {ahead:.2f} more for the active trials: over the budget of "
        f"{now.budget:g}; they will be stopped there, with a checkpoint"
    )
    data = {"spent": now.spent, "ahead": ahead, "budget": now.budget}
    events.append(tx, "budget_forecast", message, data=data)
    tx.update("budgets", tx.value("SELECT max(id) FROM budgets"), overrun_told=1)


def _ahead_s(workspace: WorkspacePaths, row: Row) -> float:
    """Return the device-time still ahead of a trial: from its rate, else what it reserved."""
    if row["state"] in HOLDING:
        eta = results.progress(row, workspace.trial(row["id"])).eta_s
        if eta is not None:
            return eta * devices_needed(row["config"])
    return row["expected_s"] or 0.0


def _stop_at(tx: Transaction, now: BudgetReport) -> float | None:
    """Return when the devices that are held now will have spent the rest; None: never."""
    burn = (cost.device_rate(tx) or 0.0) / _HOUR_S * len(leases.held(tx))
    return tx.now + max(0.0, now.budget - now.spent) / burn if burn > 0 else None


def _write_stop(workspace: WorkspacePaths, at: float | None) -> None:
    """Write the moment where it has changed."""
    known = BudgetStop(workspace.budget_stop).at()
    if known is None and at is None:
        return
    if known is None or at is None or abs(known - at) > _SAME_MOMENT_S:
        write_json(workspace.budget_stop, {"at": at})


def _cap(tx: Transaction) -> float | None:
    return tx.value("SELECT budget FROM budgets ORDER BY id DESC LIMIT 1")


def _told(tx: Transaction) -> bool:
    return bool(tx.value("SELECT overrun_told FROM budgets ORDER BY id DESC LIMIT 1"))


def _does_not_fit(after: BudgetReport, count: int) -> str:
    over = after.spent + after.reserved - after.budget
    trials_ = "this trial" if count == 1 else f"these {count} trials"
    return (
        f"budget {after.budget:g} is too small by {over:.2f}: {after.spent:.2f} spent and "
        f"{after.reserved:.2f} reserved, {trials_} included; raise it with lab_set_cost(budget=...)"
        ", set pause_after_steps, or kill a trial"
    )

"""Money: what an hour costs, and what was spent."""

from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np

from pawn_lab.errors import InvalidRequestError
from pawn_lab.lab.workspace import Lab
from pawn_lab.records import Basis, CostReport, Spending, Spent
from pawn_lab.reporting import cost as costs
from pawn_lab.scheduling import budget as budgets
from pawn_lab.store import Transaction


def set_cost(
    lab: Lab,
    cost_per_hour: float,
    budget: float | Literal["none"] | None = None,
    basis: Basis | None = None,
) -> CostReport:
    """Set what the whole machine costs an hour from now on, and what all may cost together.

    `budget` "none" takes the cap away; None leaves it as it is. It counts the device-time of
    trials or the machine's own time; without a basis what it counted before.

    Raises:
        InvalidRequestError: cost_per_hour or budget is out of range, or a basis has no budget.
    """
    if basis is not None and budget is None:
        raise InvalidRequestError(f"budget_of {basis} needs budget: how much of it")
    lab.create()
    caller = lab.launcher.caller
    with lab.database.write() as tx:
        costs.set_rate(tx, cost_per_hour, len(lab.devices), caller)
        if budget is not None:
            budgets.set_budget(tx, None if budget == "none" else budget, basis, caller)
    with lab.one_pass():
        lab.tick()
        return cost(lab)


def cost(lab: Lab) -> CostReport:
    """Return the money spent on the device-time that trials held."""
    lab.refresh()
    with lab.database.read() as tx:
        return _report(lab, tx)


def hourly(lab: Lab) -> float | None:
    """Return what an hour of one device costs; None where no price was set."""
    if not lab.exists:
        return None
    with lab.database.read() as tx:
        return costs.device_rate(tx)


def spent(lab: Lab, trial_id: int, moments: Sequence[float]) -> list[Spent]:
    """Return the device-hours and the money that a trial had taken at each moment."""
    meter, when = meters(lab, [trial_id])[trial_id], np.array(moments, dtype=np.float64)
    pairs = zip(meter.hours(when).tolist(), meter.cost(when).tolist(), strict=True)
    return [Spent(*pair) for pair in pairs]


def meters(lab: Lab, trial_ids: Iterable[int]) -> dict[int, costs.Meter]:
    """Return what the device-time of each trial comes to."""
    with lab.database.read() as tx:
        return costs.meters(tx, trial_ids)


def course(lab: Lab) -> Spending:
    """Return how money was spent over time, and when the budget will be at the pace of now."""
    lab.refresh()
    with lab.database.read() as tx:
        report = _report(lab, tx)
        cap = report.budget
        return Spending(
            report=report,
            device_time=costs.device_course(tx),
            machine_time=costs.machine_course(tx),
            ahead=None if cap is None else budgets.ahead(tx, lab.paths, cap.basis),
            spent_at=None if cap is None else budgets.spent_at(tx, cap),
        )


def _report(lab: Lab, tx: Transaction) -> CostReport:
    report = costs.report(tx, len(lab.devices))
    return report.model_copy(update={"budget": budgets.report(tx, report.by_trial)})

"""lab_set_cost: what an hour of this machine costs."""

from typing import Annotated

from pydantic import Field

from pawn_lab.lab import Lab
from pawn_lab.tools.registry import LabTool
from pawn_lab.tools.values import Answer, Number


class CostAnswer(Answer):
    """Price and what the trials have cost so far, in the currency of the price."""

    cost_per_hour: Number = None
    total: Number = None
    device_hours: Number = None
    unpriced_device_hours: Number = None


def lab_set_cost(
    lab: Lab,
    cost_per_hour: Annotated[float, Field(description="Price of the whole machine, 0 to 100,000.")],
) -> CostAnswer:
    """Set the price of an hour of this machine; from then on every trial is charged for its time.

    Call it once at the start of a session. Cost is device-time held, shown by lab_status and
    lab_results.
    """
    report = lab.set_cost(cost_per_hour)
    return CostAnswer(
        cost_per_hour=report.cost_per_hour,
        total=report.total,
        device_hours=report.device_hours,
        unpriced_device_hours=report.unpriced_device_hours or None,
    )


TOOL = LabTool(lab_set_cost, title="Set the hourly cost", idempotent=True)

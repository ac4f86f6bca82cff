"""lab_set_cost: what an hour of this machine costs, and what all trials may cost."""

from typing import Annotated, Literal

from pydantic import Field

from pawn_lab.lab import Lab, spending
from pawn_lab.records import Basis
from pawn_lab.tools.registry import LabTool
from pawn_lab.tools.values import Answer, Number, compact, rounded


class CostAnswer(Answer):
    """Costs so far; reserved: for active trials; by_tag: a trial counts for each tag."""

    cost_per_hour: Number = None
    total: Number = None
    device_hours: Number = None
    unpriced_device_hours: Number = None
    machine_hours: Number = None
    machine_total: Number = None
    idle_share: Number = None
    budget: Number = None
    budget_of: str | None = None
    reserved: Number = None
    by_tag: dict[str, float] | None = None


def lab_set_cost(
    lab: Lab,
    cost_per_hour: Annotated[float, Field(description="Of the whole machine.")],
    budget: Annotated[
        float | Literal["none"] | None,
        Field(description="Cap for all; 'none' lifts it."),
    ] = None,
    budget_of: Annotated[Basis | None, Field(description="What it counts.")] = None,
) -> CostAnswer:
    """Set the price of an hour of this machine, and the most that all trials may cost.

    At the cap every trial saves and stops.

    A launch that does not fit what is left is refused. Call it once at the start of a session. Cost
    is device-time held, shown by lab_status and lab_results, and here by tag. The machine's own
    clock runs on while it idles; a price of 0 halts it. A budget is of either, at first of
    device_time. A forecast overrun is an event. What stopped at the cap can be resumed once the
    budget is raised. Without a budget argument the cap stays as it is.
    """
    report = spending.set_cost(lab, cost_per_hour, budget, budget_of)
    cap, machine = report.budget, report.machine
    return CostAnswer(
        cost_per_hour=report.cost_per_hour,
        total=report.total,
        device_hours=report.device_hours,
        unpriced_device_hours=report.unpriced_device_hours or None,
        machine_hours=rounded(machine.hours if machine else None),
        machine_total=rounded(machine.total if machine else None),
        idle_share=rounded(machine.idle_share if machine else None),
        budget=cap.budget if cap else None,
        budget_of=cap.basis if cap else None,
        reserved=cap.reserved if cap else None,
        by_tag={tag: compact(spent) for tag, spent in report.by_tag.items()} or None,
    )


TOOL = LabTool(lab_set_cost, title="Set cost and budget", idempotent=True, creates=True)

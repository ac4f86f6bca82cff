"""What was spent, and of how much."""

from typing import Literal, NamedTuple

from pawn_lab.records.record import Record

Basis = Literal["device_time", "machine_time"]
"""What a budget counts."""


class BudgetReport(Record):
    """The cap, what was spent of it, and what active trials are expected to take still."""

    budget: float
    basis: Basis
    spent: float
    reserved: float


class MachineReport(Record):
    """The machine's own clock since its price was first set, whether anything ran or not.

    idle_share: of its device-time that no trial held; None where no time has passed.
    """

    hours: float
    total: float
    idle_share: float | None


class CostReport(Record):
    """Money spent on device-time held by trials; the rate is that of the whole machine."""

    cost_per_hour: float | None
    devices: int
    device_hours: float
    unpriced_device_hours: float
    total: float
    by_trial: dict[int, float]
    by_tag: dict[str, float]
    machine: MachineReport | None = None
    budget: BudgetReport | None = None


Course = list[tuple[float, float]]
"""Moments, and what had been spent by each; between two of them it rises along a line."""


class Spending(Record):
    """How money was spent over time, and when a budget will be spent at the pace of now.

    ahead: what active trials are expected to take still, of what the budget counts.
    spent_at: None where there is no budget, or nothing that takes from it.
    """

    report: CostReport
    device_time: Course
    machine_time: Course
    ahead: float | None = None
    spent_at: float | None = None


class Spent(NamedTuple):
    """Device-hours held up to a moment, and what they cost."""

    hours: float
    cost: float

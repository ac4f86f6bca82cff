"""What happens in the lab, and when to look again."""

from enum import StrEnum
from typing import Any

from pydantic import Field

from pawn_lab.records.record import Record
from pawn_lab.records.trial import Trial
from pawn_lab.states import State


class IdleDevice(Record):
    """A device that is paid for and does nothing; of a trial that does not get on, which and why.

    hourly: what it costs.
    """

    device: str
    idle_s: float
    hourly: float
    trial_id: int | None = None
    health: str | None = None


class Glance(Record):
    """The trials at a glance: the active ones, the latest that ended, newest first."""

    counts: dict[State, int]
    active: list[Trial]
    ended: list[Trial]
    unresumed: int
    """Paused trials that no other trial continues."""
    trouble: list[Trial] = Field(default_factory=list)
    """The oldest trials of all that ended in trouble and that nothing has answered since."""
    troubled: int = 0
    """How many such trials there are."""
    idle: list[IdleDevice] = Field(default_factory=list)
    """Devices of which an event has said that they cost money for nothing, and still do."""
    idle_costs: bool = True
    """Whether devices that no trial holds cost money: those of a machine, not a cluster's slots."""
    faults: list[str] = Field(default_factory=list)
    """What keeps alarms from being raised or delivered."""


class Pulse(Record):
    """What decides when to look at the lab again.

    ends_in_s: until each running trial is expected to end. starting_s: for how long those have
    been at it that have no speed yet. idle_s: for how long every device has been idle.
    """

    devices: int
    idle: int
    idle_s: float | None
    queued: int
    stopping: int
    ends_in_s: list[float]
    starting_s: list[float]


class Severity(StrEnum):
    """How much an event matters, least first."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"

    def reaches(self, least: "Severity") -> bool:
        """Say whether it matters at least as much."""
        order = list(Severity)
        return order.index(self) >= order.index(least)


class Event(Record):
    """Something that happened; `seq` has no gaps."""

    seq: int
    time: float
    trial_id: int | None
    kind: str
    message: str
    data: dict[str, Any]
    severity: Severity


class EventPage(Record):
    """Events after a cursor; pass `cursor` as the next call's `since`."""

    events: list[Event]
    cursor: int
    more: bool

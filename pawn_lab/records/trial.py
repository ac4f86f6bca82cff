"""A trial as it stands, and how it ended."""

from typing import Any, Self

from pawn_lab.configs import StoredConfig
from pawn_lab.records.games import Games
from pawn_lab.records.record import Record
from pawn_lab.states import State


class PostMortem(Record):
    """Why a trial failed; `differs` holds `[value of nearest_good, value of this trial]`."""

    kind: str
    why: str | None = None
    """Of one that ran out of memory: who held how much of it; of one killed, what it looks like."""
    first_bad_step: int | None = None
    last_healthy: dict[str, float] | None = None
    traceback: str | None = None
    nearest_good: int | None = None
    differs: dict[str, Any] | None = None
    next_call: str


Evidence = dict[str, int | float | str]
"""The numbers for which a rule stopped a trial; a name where there are several models."""


class Exit(Record):
    """How a trial ended, from the shim's `exit.json` and the trainer's own outcome."""

    code: int | None
    signal: int | None
    reason: str
    message: str
    step: int | None = None
    checkpoint: str | None = None
    duration_s: float | None = None
    evidence: Evidence | None = None
    post_mortem: PostMortem | None = None

    @classmethod
    def never_ran(cls, reason: str) -> Self:
        """Return the exit of a trial that was killed while it was queued."""
        return cls(code=None, signal=None, reason="killed", message=f"killed: {reason}")

    @classmethod
    def lost(cls, message: str) -> Self:
        """Return the exit of a trial that nobody saw end."""
        return cls(code=None, signal=None, reason="lost", message=message)


class Trial(Record):
    """A trial as it stands."""

    id: int
    state: State
    config: StoredConfig
    tags: list[str]
    hypothesis: str | None
    priority: int
    parent: int | None
    from_step: int | None
    device: str | None
    created_at: float
    started_at: float | None
    ended_at: float | None
    waits_for: str | None = None
    queued_before: int | None = None
    sweep: int | None = None
    archived: bool = False
    on_hold: bool = False
    """It is queued and starts once a person has approved it."""
    exit: Exit | None
    games: Games | None = None
    cost: float

    @property
    def why_waiting(self) -> str | None:
        """What a queued trial waits for, and its place in the queue; one on hold has none."""
        if self.waits_for is None or self.on_hold:
            return self.waits_for
        place = f"{self.queued_before} queued before it" if self.queued_before else "first in queue"
        return f"{self.waits_for}; {place}"

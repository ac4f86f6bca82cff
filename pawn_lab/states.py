"""The states of a trial and every legal change between them."""

from enum import StrEnum
from types import MappingProxyType

from pawn_lab.errors import IllegalTransitionError


class State(StrEnum):
    """Where a trial is."""

    QUEUED = "queued"
    LAUNCHING = "launching"
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"
    KILLED = "killed"
    LOST = "lost"


HOLDING = frozenset({State.LAUNCHING, State.RUNNING})
"""States in which a trial holds its devices."""

ACTIVE = HOLDING | {State.QUEUED}
"""States from which a trial goes on by itself."""

ENDED = frozenset(State) - ACTIVE

ENDED_WELL = frozenset({State.COMPLETED, State.PAUSED})
"""States of trials that got as far as they were asked to."""

BROKE_OFF = ENDED - ENDED_WELL
"""States of trials that ended before."""

TRANSITIONS = MappingProxyType(
    {
        State.QUEUED: frozenset({State.LAUNCHING, State.KILLED}),
        # Back to queued when the launcher died before the trial had any process.
        State.LAUNCHING: frozenset({State.RUNNING, State.QUEUED, State.LOST}),
        State.RUNNING: ENDED,
        **{ended: frozenset() for ended in ENDED},
    }
)


def check_transition(trial_id: int, source: State, target: State) -> None:
    """Refuse a change of state that is not in the table.

    Raises:
        IllegalTransitionError: names both states and the allowed targets.
    """
    if target not in TRANSITIONS[source]:
        allowed = ", ".join(sorted(TRANSITIONS[source])) or "none, the trial has ended"
        raise IllegalTransitionError(
            f"trial {trial_id} cannot go from {source} to {target}; allowed: {allowed}"
        )

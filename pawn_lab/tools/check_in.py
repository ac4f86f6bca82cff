"""When an agent should look again."""

from pawn_lab.lab import Lab
from pawn_lab.trials.states import State

SOONEST_S = 5
LATEST_S = 900
UNKNOWN_S = 15


def next_check(lab: Lab) -> int | None:
    """Return seconds until a running trial is expected to end; None when none is active."""
    running = lab.running()
    if not running:
        return UNKNOWN_S if State.QUEUED in lab.glance(latest=0).counts else None
    return interval([progress.eta_s for progress in running])


def interval(etas_s: list[float | None]) -> int:
    """Return the shortest ETA within `SOONEST_S` .. `LATEST_S`, `UNKNOWN_S` where none is known.

    The bounds let a stall be noticed in time and keep quick trials from being polled.
    """
    known = [eta for eta in etas_s if eta is not None]
    return round(min(LATEST_S, max(SOONEST_S, min(known)))) if known else UNKNOWN_S

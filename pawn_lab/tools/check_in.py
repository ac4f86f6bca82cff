"""When an agent should look again."""

from pawn_lab.lab import Lab
from pawn_lab.states import HOLDING, State

SOONEST_S = 5
LATEST_S = 900
UNKNOWN_S = 15


def next_check(lab: Lab) -> int | None:
    """Return seconds until a running trial is expected to end; None when none is active.

    Bounded to 5 s .. 15 min, so that a stall is noticed and a finished trial leaves no device idle.
    """
    running = lab.trials(states=HOLDING)
    if not running:
        return UNKNOWN_S if lab.trials(states=[State.QUEUED]) else None
    etas = [lab.progress(trial.id).eta_s for trial in running]
    known = [eta for eta in etas if eta is not None]
    return round(min(LATEST_S, max(SOONEST_S, min(known)))) if known else UNKNOWN_S

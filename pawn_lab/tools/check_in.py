"""When an agent should look again, and what idles until then."""

from typing import NamedTuple

from pawn_lab.lab import Lab, queries
from pawn_lab.records import Pulse

SOONEST_S = 5
LATEST_S = 900
SOON_S = 15
"""For what is about to change: a trial that starts or is being stopped, a queue that moves."""
STARTING_MOST_S = 120
_HOUR_S = 3600.0


class CheckIn(NamedTuple):
    """Seconds until something is expected to have changed, and the devices that idle."""

    next_check_s: int
    idle: str | None


def check_in(lab: Lab) -> CheckIn:
    """Say when to look at the lab again."""
    pulse = queries.pulse(lab)
    return CheckIn(interval(pulse), idle(pulse))


def interval(pulse: Pulse) -> int:
    """Return when the first change is expected, within `SOONEST_S` .. `LATEST_S`.

    The bounds let a stall be noticed in time and keep quick trials from being polled. A trial that
    takes long to start is looked at less and less often.
    """
    changes = [*pulse.ends_in_s, *map(_starting, pulse.starting_s)]
    if pulse.stopping or (pulse.queued and not changes):
        changes.append(SOON_S)
    return round(min(LATEST_S, max(SOONEST_S, min(changes, default=LATEST_S))))


def _starting(age_s: float) -> float:
    return min(STARTING_MOST_S, max(SOON_S, age_s / 2))


def idle(pulse: Pulse) -> str | None:
    """Return `8 of 8 devices for 2.5 h` where so many idle and nothing is queued for them.

    For how long is told where all do.
    """
    if not pulse.idle or pulse.queued:
        return None
    return f"{pulse.idle} of {pulse.devices} devices{_duration(pulse.idle_s)}"


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return ""
    hours = seconds / _HOUR_S
    return f" for {60 * hours:.0f} min" if hours < 1 else f" for {hours:.1f} h"

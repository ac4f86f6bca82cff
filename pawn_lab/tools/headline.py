"""The one thing that needs a decision."""

from collections.abc import Mapping
from types import MappingProxyType

from pawn_lab.records import DeviceStatus, Glance
from pawn_lab.trials.states import HOLDING, State

NONE_AILS: Mapping[int, str | None] = MappingProxyType({})
_TROUBLE = (State.FAILED, State.LOST)


def headline(
    glance: Glance, devices: list[DeviceStatus], ailing: Mapping[int, str | None] = NONE_AILS
) -> str:
    """Return one sentence: trouble first, then idle devices, then how it goes.

    `ailing` says what is wrong with trials that run.
    """
    if not glance.counts:
        return "No trials yet: lab_schema for the fields of a config, then lab_launch."
    return _trouble(glance) or _ailing(ailing) or _idle(glance, devices) or _going(glance)


def _trouble(glance: Glance) -> str | None:
    """Say that the trial that ended last failed; a later end means that life went on."""
    last = next(iter(glance.ended), None)
    if last is None or last.state not in _TROUBLE:
        return None
    why = f": {last.exit.message}" if last.exit and last.exit.message else ""
    return f"Trial {last.id} {last.state}{why}. See lab_log(trial_id={last.id})."


def _ailing(ailing: Mapping[int, str | None]) -> str | None:
    """Name the running trials with which something is wrong."""
    if not ailing:
        return None
    first = next(iter(ailing))
    told = ", ".join(f"{trial_id} ({what})" for trial_id, what in ailing.items())
    return f"Running, but not well: {told}. See lab_log(trial_id={first}); lab_kill ends one."


def _idle(glance: Glance, devices: list[DeviceStatus]) -> str | None:
    idle = [device for device in devices if device.trial_id is None]
    if not idle or State.QUEUED in glance.counts:
        return None
    paused = glance.unresumed
    choice = f"lab_resume the best of {paused} paused (lab_results), " if paused else ""
    return (
        f"{len(idle)} of {len(devices)} devices idle, nothing queued: {choice}"
        "launch the next question, or stop the machine."
    )


def _going(glance: Glance) -> str:
    running = sum(count for state, count in glance.counts.items() if state in HOLDING)
    queued = glance.counts.get(State.QUEUED, 0)
    return f"{running} running, {queued} queued; nothing needs a decision."

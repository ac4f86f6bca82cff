"""What needs a decision, in a few sentences."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from pawn_lab.records import DeviceStatus, Glance, IdleDevice, Trial
from pawn_lab.states import HOLDING, State

_HOUR_S = 3600.0
NONE_AILS: Mapping[int, str | None] = MappingProxyType({})


def headline(
    glance: Glance, devices: list[DeviceStatus], ailing: Mapping[int, str | None] = NONE_AILS
) -> str:
    """Return what needs a decision in a line; where nothing does, how it goes.

    `ailing` says what is wrong with trials that run.
    """
    asked = " ".join(decisions(glance, devices, ailing))
    if not glance.counts:
        begin = "No trials yet: lab_schema for the fields of a config, then lab_launch."
        return f"{asked} {begin}".lstrip()
    return asked or _going(glance)


def decisions(
    glance: Glance, devices: list[DeviceStatus], ailing: Mapping[int, str | None] = NONE_AILS
) -> list[str]:
    """Return what needs a decision, each with the next call: trouble first, then idle devices.

    In a lab without trials a device may idle until it costs money.
    """
    asked = (_trouble(glance), _ailing(ailing), _on_hold(glance), _idle(glance, devices))
    return [*filter(None, asked), *glance.faults]


def _trouble(glance: Glance) -> str | None:
    """Name the trials that ended in trouble until somebody has answered for them."""
    if not glance.trouble:
        return None
    first, ends = glance.trouble[0], ", ".join(map(_end, glance.trouble))
    further = glance.troubled - len(glance.trouble)
    count = f"{glance.troubled} trials in trouble, oldest first: " if glance.troubled > 1 else ""
    return (
        f"{count}{ends}{f', {further} more' if further else ''}. See lab_log(trial_id={first.id}); "
        "resumed, relaunched as it was or named in lab_notes, a trial leaves this line."
    )


def _end(trial: Trial) -> str:
    """Return how a trial ended, in the lab's words: a trainer's message has no say here."""
    if trial.state == State.KILLED:
        return f"trial {trial.id} killed by force"
    explained = trial.exit.post_mortem if trial.exit else None
    kind = f" ({explained.kind})" if explained and explained.kind != trial.state else ""
    return f"trial {trial.id} {trial.state}{kind}"


def _ailing(ailing: Mapping[int, str | None]) -> str | None:
    """Name the running trials with which something is wrong."""
    if not ailing:
        return None
    first = next(iter(ailing))
    trials = ", ".join(f"{trial_id} ({what})" for trial_id, what in ailing.items())
    return f"Running, but not well: {trials}. See lab_log(trial_id={first}); lab_kill ends one."


def _on_hold(glance: Glance) -> str | None:
    """Name the trials that only a person can let start."""
    ids = ", ".join(str(trial.id) for trial in glance.active if trial.on_hold)
    return f"A person is asked to approve: {ids} (dashboard, `pawn-lab approve`)." if ids else None


def _idle(glance: Glance, devices: list[DeviceStatus]) -> str | None:
    """Say which devices idle, unless the queue waits for those that trials hold."""
    idle = sum(device.trial_id is None for device in devices)
    alarm = paid([device for device in glance.idle if device.trial_id is None])
    share = f"{idle} of {len(devices)} devices idle{alarm}"
    if not idle or not (glance.counts or alarm):
        return None
    if _queued(glance):
        stuck = not any(state in HOLDING for state in glance.counts)
        return f"{share} though {_queue(glance)}." if stuck or alarm else None
    paused = glance.unresumed
    choice = f"lab_resume the best of {paused} paused (lab_results), " if paused else ""
    end = ", or stop the machine" if glance.idle_costs else ""
    return f"{share}, nothing queued: {choice}launch the next question{end}."


def paid(idle: Sequence[IdleDevice]) -> str:
    """Return for how long idle devices have cost money, and how much, ` for 12 min at ..`."""
    if not idle:
        return ""
    minutes = max(device.idle_s for device in idle) / 60
    hourly = sum(device.hourly for device in idle)
    wasted = sum(device.hourly * device.idle_s for device in idle) / _HOUR_S
    return f" for {minutes:.0f} min at {hourly:.3g} an hour, {wasted:.2f} so far"


def _queued(glance: Glance) -> list[Trial]:
    """Return the trials that start by themselves."""
    return [trial for trial in glance.active if trial.state == State.QUEUED and not trial.on_hold]


def _queue(glance: Glance) -> str:
    """Return how many are queued, and what the first of them waits for."""
    queue = _queued(glance)
    first = min(queue, key=lambda trial: trial.queued_before or 0)
    return f"{len(queue)} queued, the first because {first.waits_for}"


def _going(glance: Glance) -> str:
    running = sum(count for state, count in glance.counts.items() if state in HOLDING)
    return f"{running} running, {len(_queued(glance))} queued; nothing needs a decision."

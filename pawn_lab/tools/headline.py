"""The one thing that needs a decision."""

from collections.abc import Mapping
from types import MappingProxyType

from pawn_lab.records import DeviceStatus, Trial
from pawn_lab.trials.states import ENDED, HOLDING, State

NONE_AILS: Mapping[int, str | None] = MappingProxyType({})
_TROUBLE = (State.FAILED, State.LOST)


def headline(
    trials: list[Trial], devices: list[DeviceStatus], ailing: Mapping[int, str | None] = NONE_AILS
) -> str:
    """Return one sentence: trouble first, then idle devices, then how it goes.

    `ailing` says what is wrong with trials that run.
    """
    if not trials:
        return "No trials yet: lab_schema for the fields of a config, then lab_launch."
    return _trouble(trials) or _ailing(ailing) or _idle(trials, devices) or _going(trials)


def _trouble(trials: list[Trial]) -> str | None:
    """Say that the trial that ended last failed; a later end means that life went on."""
    ended = [trial for trial in trials if trial.state in ENDED]
    last = max(ended, key=lambda trial: trial.ended_at or 0.0, default=None)
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


def _idle(trials: list[Trial], devices: list[DeviceStatus]) -> str | None:
    idle = [device for device in devices if device.trial_id is None]
    if not idle or _count(trials, State.QUEUED):
        return None
    paused = len(_unresumed(trials))
    choice = f"lab_resume the best of {paused} paused (lab_results), " if paused else ""
    return (
        f"{len(idle)} of {len(devices)} devices idle, nothing queued: {choice}"
        "launch the next question, or stop the machine."
    )


def _unresumed(trials: list[Trial]) -> list[Trial]:
    resumed = {trial.parent for trial in trials}
    return [t for t in trials if t.state == State.PAUSED and t.id not in resumed]


def _going(trials: list[Trial]) -> str:
    running = sum(trial.state in HOLDING for trial in trials)
    return f"{running} running, {_count(trials, State.QUEUED)} queued; nothing needs a decision."


def _count(trials: list[Trial], state: State) -> int:
    return sum(trial.state == state for trial in trials)

"""The lab's state in a few lines, for hooks that put it in front of an agent."""

from collections import Counter

from pawn_lab.records import CostReport, Event, Progress, Trial
from pawn_lab.states import HOLDING, State
from pawn_lab.text import shorten

MOST_CHARACTERS = 1500
MOST_TRIALS_LISTED = 8


def digest(
    trials: list[Trial], running: list[Progress], events: list[Event], cost: CostReport
) -> str:
    """Return counts, running and waiting trials, cost and the latest events."""
    lines = [
        _counts(trials),
        _cost(cost),
        *(_running(progress) for progress in running[:MOST_TRIALS_LISTED]),
        *_waiting(trials),
        *(f"event {e.seq}: {_named(e)}{shorten(e.message, 100)}" for e in events),
    ]
    return shorten("\n".join(lines), MOST_CHARACTERS - 40)


def _counts(trials: list[Trial]) -> str:
    if not trials:
        return "no trials yet"
    counts = Counter(trial.state for trial in trials)
    return f"{len(trials)} trials: " + ", ".join(f"{counts[s]} {s}" for s in State if counts[s])


def _cost(cost: CostReport) -> str:
    if cost.cost_per_hour is None:
        return f"{cost.device_hours:.3g} device-hours, no cost set"
    return f"cost {cost.total:.2f} at {cost.cost_per_hour:g} an hour"


def _running(progress: Progress) -> str:
    loss = (progress.train or {}).get("loss")
    parts = [f"trial {progress.trial_id} {progress.state}"]
    parts.append(f"step {progress.step or 0} of {progress.target_step}")
    parts += [f"loss {loss:.4g}"] if loss is not None else []
    parts += [f"ETA {progress.eta_s / 60:.0f} min"] if progress.eta_s is not None else []
    return ", ".join(parts)


def _waiting(trials: list[Trial]) -> list[str]:
    queued = [str(trial.id) for trial in trials if trial.state is State.QUEUED]
    idle = not queued and not any(trial.state in HOLDING for trial in trials)
    if idle:
        return ["nothing runs or waits"]
    return [f"queued: {', '.join(queued[:MOST_TRIALS_LISTED])}"] if queued else []


def _named(event: Event) -> str:
    return f"trial {event.trial_id} {event.kind}: " if event.trial_id is not None else ""

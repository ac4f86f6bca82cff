"""The lab's state in a few lines, for hooks that put it in front of an agent."""

from collections.abc import Mapping

from pawn_lab.records import CostReport, Event, Progress
from pawn_lab.states import State
from pawn_lab.text import shorten

MOST_CHARACTERS = 1500
MOST_TRIALS_LISTED = 8


def digest(
    counts: Mapping[State, int],
    running: list[Progress],
    queued: list[int],
    events: list[Event],
    cost: CostReport,
) -> str:
    """Return counts, cost, running and queued trials and the latest events."""
    lines = [
        _counts(counts),
        _cost(cost),
        *(_running(progress) for progress in running[:MOST_TRIALS_LISTED]),
        _waiting(running, queued),
        *(f"event {e.seq}: {_named(e)}{shorten(e.message, 100)}" for e in events),
    ]
    return shorten("\n".join(lines), MOST_CHARACTERS - 40)


def _counts(counts: Mapping[State, int]) -> str:
    if not counts:
        return "no trials yet"
    listed = ", ".join(f"{counts[state]} {state}" for state in State if state in counts)
    return f"{sum(counts.values())} trials: {listed}"


def _cost(cost: CostReport) -> str:
    if cost.machine is None:
        return f"{cost.device_hours:.3g} device-hours, no cost set"
    idle = f", {cost.machine.idle_share:.0%} idle" if cost.machine.idle_share is not None else ""
    machine = f"the machine {cost.machine.total:.2f}{idle}"
    return f"cost {cost.total:.2f}, {machine}, at {cost.cost_per_hour:g} an hour"


def _running(progress: Progress) -> str:
    parts = [f"trial {progress.trial_id} {progress.state}"]
    parts.append(f"{progress.unit} {progress.step or 0} of {progress.target_step}")
    parts += [
        f"{variant} {name} {number:.4g}".lstrip()
        for variant, model in progress.models.items()
        for name, number in model.live.items()
    ]
    parts += [f"ETA {progress.eta_s / 60:.0f} min"] if progress.eta_s is not None else []
    return ", ".join(parts)


def _waiting(running: list[Progress], queued: list[int]) -> str:
    if queued:
        return f"queued, next first: {', '.join(map(str, queued[:MOST_TRIALS_LISTED]))}"
    return "nothing is queued" if running else "nothing runs and nothing is queued"


def _named(event: Event) -> str:
    return f"trial {event.trial_id} {event.kind}: " if event.trial_id is not None else ""

"""The next learning rate to try, from trials that differ in nothing else but their seeds."""

import math
import statistics
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from pawn_lab.analysis.alignment import align
from pawn_lab.analysis.groups import Run, grouped

FACTOR = 3.0
"""Between rates, where those tried do not say what a step is."""
CLOSE = 1.5
"""A best rate whose neighbours are nearer than this factor is known well enough."""
_BROKE = ("non_finite", "diverged")


class Suggestion(NamedTuple):
    """A learning rate to try beside those of these runs, and why; None: no further one."""

    runs: list[Run]
    lr: float | None
    why: str


def suggestions(runs: Iterable[Run]) -> list[Suggestion]:
    """Return the next rate for each setting of which two rates or more were tried."""
    by_rest: dict[str, list[Run]] = {}
    for group in grouped(runs)[0]:
        rest = {name: value for name, value in group.settings.items() if name != "lr"}
        by_rest.setdefault(repr(sorted(rest.items())), []).extend(group.runs)
    found = [_suggestion(members) for members in by_rest.values()]
    return [each for each in found if each is not None]


def _suggestion(runs: list[Run]) -> Suggestion | None:
    broken = [run for run in runs if run.trial.exit and run.trial.exit.reason in _BROKE]
    sound = [run for run in runs if run.points and run not in broken]
    aligned = align(sound, "step")
    if aligned.position is None:
        return None
    values = dict.fromkeys(map(_rate, broken), math.inf)
    for rate in set(map(_rate, sound)):
        values[rate] = statistics.fmean(aligned.values[r.name] for r in sound if _rate(r) == rate)
    if len(values) < 2:
        return None
    lr, why = next_rate(sorted(values.items()))
    return Suggestion(runs, lr, f"{why}, at step {aligned.position:g}{_seeds(sound)}")


def next_rate(tried: Sequence[tuple[float, float]]) -> tuple[float | None, str]:
    """Return the next rate and why; `tried` are at least two (rate, loss), by rate."""
    rates = [rate for rate, _ in tried]
    best = min(range(len(tried)), key=lambda n: tried[n][1])
    if best == 0:
        return rates[0] / _step(rates[1] / rates[0]), f"the best, {rates[0]:g}, is the lowest tried"
    if best == len(tried) - 1:
        above = rates[-1] * _step(rates[-1] / rates[-2])
        return above, f"the best, {rates[-1]:g}, is the highest tried"
    low, high = rates[best - 1], rates[best + 1]
    bracket = f"the best, {rates[best]:g}, lies between {low:g} and {high:g}"
    better = min((best - 1, best + 1), key=lambda n: tried[n][1])
    if max(rates[best] / low, high / rates[best]) < CLOSE:
        return None, f"{bracket}, close enough"
    return math.sqrt(rates[best] * rates[better]), f"{bracket}; {rates[better]:g} is the next best"


def _step(ratio: float) -> float:
    """Return the spacing of the rates tried, where it is a sensible one."""
    return ratio if CLOSE <= ratio <= 10.0 else FACTOR


def _rate(run: Run) -> float:
    return run.config["lr"]


def _seeds(runs: list[Run]) -> str:
    return "" if len({run.seeds for run in runs}) > 1 else ", one seed"

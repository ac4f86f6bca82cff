"""The next point to try, from trials that differ in nothing else but their seeds.

Where only the learning rate was varied it is the bracket or the edge of those tried, which on noisy
parabolas takes fewer trials to come as near as TPE; where several fields were, TPE is asked.
"""

import math
import statistics
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from pawn_lab.analysis import tpe
from pawn_lab.analysis.alignment import align
from pawn_lab.analysis.groups import Run, grouped
from pawn_lab.analysis.tpe import Point
from pawn_lab.trials.states import ENDED_WELL

FACTOR = 3.0
"""Between rates, where those tried do not say what a step is."""
CLOSE = 1.5
"""A best rate whose neighbours are nearer than this factor is known well enough."""
VARIED = ("lr", "weight_decay", "warmup_steps", "min_lr_ratio", "max_grad_norm")
"""Fields of which a next value is told, where all of the trials have a number there."""
_BROKE = ("non_finite", "diverged")


class Suggestion(NamedTuple):
    """What to try beside these runs, and why; an empty point: nothing further."""

    runs: list[Run]
    point: Point
    why: str


def suggestions(runs: Iterable[Run]) -> list[Suggestion]:
    """Return the next point for each setting of which two rates, or points enough, were tried."""
    groups = grouped(runs)[0]
    alike = [run for group in groups for run in group.runs if _has_rate(run)]
    points = list(filter(None, map(_next_point, _by_rest(alike, VARIED))))
    covered = {run.name for each in points for run in each.runs}
    rest = [run for run in alike if run.name not in covered]
    return points + list(filter(None, map(_next_rate, _by_rest(rest, ("lr",)))))


def _by_rest(runs: Iterable[Run], varied: Sequence[str]) -> list[list[Run]]:
    """Return the runs by their settings without those fields."""
    by_rest: dict[str, list[Run]] = {}
    for run in runs:
        rest = {name: value for name, value in run.settings.items() if name not in varied}
        by_rest.setdefault(repr(sorted(rest.items())), []).append(run)
    return list(by_rest.values())


def _next_point(runs: list[Run]) -> Suggestion | None:
    """Ask TPE, where several fields were varied at points enough."""
    fields = [name for name in VARIED if _is_varied(name, runs)]
    losses, at = _losses(runs, fields)
    if len(fields) < 2 or len(losses) < tpe.FEWEST:
        return None
    worst = max((loss for loss in losses.values() if math.isfinite(loss)), default=0.0)
    tried = [
        (dict(zip(fields, point, strict=True)), min(loss, worst)) for point, loss in losses.items()
    ]
    why = f"TPE over {len(tried)} points of {', '.join(fields)}, {at}"
    return Suggestion(_counted(runs), tpe.proposed(tried), why)


def _next_rate(runs: list[Run]) -> Suggestion | None:
    losses, at = _losses(runs, ["lr"])
    if len(losses) < 2:
        return None
    lr, why = next_rate(sorted((rate, loss) for (rate,), loss in losses.items()))
    return Suggestion(_counted(runs), {} if lr is None else {"lr": lr}, f"{why}, {at}")


def _losses(runs: list[Run], fields: Sequence[str]) -> tuple[dict[tuple[float, ...], float], str]:
    """Return the mean loss by point, infinite where training broke, and where they are compared.

    Trials that still run or were killed do not count: the best point changes with the step.
    """

    def point_of(run: Run) -> tuple[float, ...]:
        return tuple(run.config[name] for name in fields)

    counted = _counted(runs)
    sound = [run for run in counted if run.trial.state in ENDED_WELL]
    broken = [run for run in counted if run not in sound]
    aligned = align(sound, "step")
    if aligned.position is None:
        return {}, ""
    losses = dict.fromkeys(map(point_of, broken), math.inf)
    for point in set(map(point_of, sound)):
        values = [aligned.values[run.name] for run in sound if point_of(run) == point]
        losses[point] = statistics.fmean(values)
    return losses, f"at step {aligned.position:g}{_seeds(sound)}"


def _counted(runs: list[Run]) -> list[Run]:
    """Return the runs that a suggestion follows from."""

    def broke(run: Run) -> bool:
        return run.trial.exit is not None and run.trial.exit.reason in _BROKE

    return [r for r in runs if broke(r) or (r.points and r.trial.state in ENDED_WELL)]


def _has_rate(run: Run) -> bool:
    """Whether a run has a learning rate; one of another version need not."""
    lr = run.config.get("lr")
    return isinstance(lr, int | float) and lr > 0


def _is_varied(name: str, runs: list[Run]) -> bool:
    values = [run.config.get(name) for run in runs]
    return all(isinstance(value, int | float) for value in values) and len(set(values)) > 1


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


def _seeds(runs: list[Run]) -> str:
    return "" if len({run.seeds for run in runs}) > 1 else ", one seed"

"""The next point to try, from trials that differ in nothing else but their seeds.

Where only the learning rate was varied it is the bracket or the edge of those tried, which on noisy
parabolas takes fewer trials to come as near as TPE; where several fields were, TPE is asked.
"""

import math
import statistics
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from pawn_core.config.facts import Metric
from pawn_lab.analysis.alignment import align
from pawn_lab.analysis.groups import Run, grouped
from pawn_lab.analysis.origins import LINEAGE, essential
from pawn_lab.lab import Lab, queries
from pawn_lab.records import Trial
from pawn_lab.states import ENDED_WELL

FACTOR = 3.0
"""Between rates, where those tried do not say what a step is."""
CLOSE = 1.5
"""A best rate whose neighbours are nearer than this factor is known well enough."""
_BROKE = ("non_finite", "diverged")


Point = dict[str, float]

FEWEST = 8
"""Points from which TPE is asked: with fewer it draws almost at random."""
BEYOND = 3.0
"""How far beyond the rates tried the next one may lie, as a factor."""


class Suggestion(NamedTuple):
    """What to try beside these runs, and why; an empty point: nothing further."""

    runs: list[Run]
    point: Point
    why: str


def suggestions(runs: Iterable[Run], others: Iterable[Run], metric: Metric) -> list[Suggestion]:
    """Return the next point for each setting of which two rates, or points enough, were tried.

    `others` were tried as well: they count where they were evaluated at the step at which the runs
    are compared.
    """
    named = list(filter(_has_rate, runs))
    everything = named + list(filter(_has_rate, others))
    points = list(filter(None, map(_next_point, _families(everything, named, metric))))
    covered = {run.name for point in points for run in point.runs}
    rest = [run for run in everything if run.name not in covered]
    return points + list(filter(None, map(_next_rate, _families(rest, named, metric, most=1))))


def comparable(lab: Lab, runs: Iterable[Run]) -> list[Trial]:
    """Return the other trials of which a model may differ from a run only in what is varied."""
    shown = list(runs)
    settings = {_rest(run.settings, {*run.kind.searched, LINEAGE}) for run in shown}
    others = [trial for trial in queries.trials(lab) if trial.id not in {run.id for run in shown}]
    return [trial for trial in others if settings & set(_rests(lab, trial))]


def _rests(lab: Lab, trial: Trial) -> Iterator[str]:
    for name in trial.config.models:
        config = trial.config.of_model(name)
        yield _rest(essential(config, lab.on_gpu(config)), config.kind.searched)


def _rest(settings: dict[str, Any], varied: Iterable[str]) -> str:
    return repr(sorted((n, v) for n, v in settings.items() if n not in set(varied)))


class _Family(NamedTuple):
    """Runs that differ only in some fields and in seeds, and the step at which they compare."""

    runs: list[Run]
    step: float
    fields: Sequence[str]
    metric: Metric

    @property
    def place(self) -> str:
        """Where they are compared, and whether by one seed."""
        seeds = {run.seeds for run in self.runs if not _broke(run)}
        unit = self.runs[0].kind.progress.unit
        return f"at {unit} {self.step:g}{'' if len(seeds) > 1 else ', one seed'}"


def _families(
    runs: Iterable[Run], named: Iterable[Run], metric: Metric, most: int | None = None
) -> list[_Family]:
    """Return the families to which a named run belongs and that have a step in common.

    `most`: of the numbers that can be searched, so many may differ within one.
    """
    names = {run.name for run in named}
    by_rest: dict[str, list[Run]] = {}
    for run in runs:
        fields = run.kind.searched[:most]
        by_rest.setdefault(_rest(run.settings, fields), []).append(run)
    alike = [members for members in by_rest.values() if names & {run.name for run in members}]
    return list(filter(None, (_family(members, names, metric, most) for members in alike)))


def _family(runs: list[Run], names: set[str], metric: Metric, most: int | None) -> _Family | None:
    """Compare at the last step common to the named runs that ended well, or else to all that did.

    A run that still goes on or was killed counts as soon as it has passed that step, and a paused
    one stands aside for what continues it.
    """
    sound = [run for run in runs if run.points and run.trial.state in ENDED_WELL]
    ended = [run for run in sound if run.name in names] or sound
    step = align([run for group in grouped(ended)[0] for run in group.runs], "step").position
    if step is None:
        return None
    reached = [run for run in runs if _broke(run) or (run.has_measured and _at(run, step))]
    kept = [run for group in grouped(reached)[0] for run in group.runs]
    return _Family(kept, step, runs[0].kind.searched[:most], metric)


def _next_point(family: _Family) -> Suggestion | None:
    """Ask TPE, where several fields were varied at points enough."""
    fields = [name for name in family.fields if _is_varied(name, family.runs)]
    losses = _losses(family, fields)
    if len(fields) < 2 or len(losses) < FEWEST:
        return None
    worst = max((loss for loss in losses.values() if math.isfinite(loss)), default=0.0)
    tried = [
        (dict(zip(fields, point, strict=True)), min(loss, worst)) for point, loss in losses.items()
    ]
    why = f"TPE over {len(tried)} points of {', '.join(fields)}, {family.place}"
    return Suggestion(family.runs, proposed(tried), why)


def _next_rate(family: _Family) -> Suggestion | None:
    losses = _losses(family, family.fields)
    if len(losses) < 2:
        return None
    rate, why = next_rate(sorted((rate, loss) for (rate,), loss in losses.items()))
    point = {} if rate is None else {family.fields[0]: rate}
    return Suggestion(family.runs, point, f"{why}, {family.place}")


def _losses(family: _Family, fields: Sequence[str]) -> dict[tuple[float, ...], float]:
    """Return the mean by point, its sign such that lower is better; infinite where it broke."""
    values: dict[tuple[float, ...], list[float]] = {}
    for run in family.runs:
        point = tuple(run.config[name] for name in fields)
        values.setdefault(point, []).extend(() if _broke(run) else _at(run, family.step))
    sign = family.metric.sign
    return {point: sign * statistics.fmean(v) if v else math.inf for point, v in values.items()}


def _at(run: Run, step: float) -> list[float]:
    """Return a run's value at a step, if it has one there."""
    return [point.value for point in run.points if point.step == step][-1:]


def _broke(run: Run) -> bool:
    return run.trial.exit is not None and run.trial.exit.reason in _BROKE


def _has_rate(run: Run) -> bool:
    """Whether a run has a number that can be searched; one of another version need not."""
    rate = next((run.config.get(name) for name in run.kind.searched[:1]), None)
    return isinstance(rate, int | float) and rate > 0


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


if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution


def proposed(tried: Sequence[tuple[Point, float]]) -> Point:
    """Return the point to try next; `tried` are points of the same fields with their losses.

    The learning rate is drawn in its logarithm and may go beyond those tried, up to 1; other fields
    stay within. The same points give the same answer.
    """
    import optuna  # Late: few labs vary several fields, and loading it takes memory.

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    sampler = optuna.samplers.TPESampler(seed=len(tried), n_startup_trials=FEWEST)
    space: dict[str, BaseDistribution] = {
        name: _distribution(name, [point[name] for point, _ in tried]) for name in tried[0][0]
    }
    study = optuna.create_study(sampler=sampler)
    study.add_trials(
        optuna.trial.create_trial(params=point, distributions=space, value=loss)
        for point, loss in tried
    )
    return study.ask(space).params


def _distribution(name: str, values: list[float]):
    import optuna

    low, high = min(values), max(values)
    if name == "lr":
        ends = low / BEYOND, min(1.0, high * BEYOND)
        return optuna.distributions.FloatDistribution(*ends, log=True)
    if all(isinstance(value, int) for value in values):
        return optuna.distributions.IntDistribution(int(low), int(high))
    return optuna.distributions.FloatDistribution(low, high)

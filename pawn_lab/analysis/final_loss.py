"""The final loss of a trial that still runs, and how often such forecasts held for ended ones."""

import math
from collections.abc import Iterable
from typing import NamedTuple

from pawn_core.config.facts import Metric
from pawn_core.config.schedule import ScheduleConfig
from pawn_core.training.schedules import Schedule, build_schedule
from pawn_lab.analysis.groups import Run, runs_of
from pawn_lab.analysis.origins import LINEAGE
from pawn_lab.analysis.power_law import FARTHEST, FEWEST_POINTS, Interval, extrapolated
from pawn_lab.lab import Lab, queries
from pawn_lab.states import ENDED, ENDED_WELL

EARLIEST = 0.2
"""Points before this share of the steps done are left out: the first losses follow no power law."""
MOST_TESTED = 100
"""A forecast is tested on at most so many trials."""
LEVEL = 0.1
"""A learning rate that changes by less than this share of itself counts as steady."""
FEWEST_TESTED = 3
LEAST_HELD = 0.8
"""No forecast is told or acted on where those made as early held for fewer ended trials."""
_LOSSLESS = "has no loss that falls by a schedule"
"""Why most run types without a forecast have none."""
_SAMPLES = 256
_COURSE = 6
"""Steps at which a course is told."""


class Outlook(NamedTuple):
    """The loss expected at a step, or why none is told."""

    step: int
    loss: Interval | None
    why: str | None = None


class Coverage(NamedTuple):
    """Of so many trials that have ended, how many ended within the forecast made as early."""

    held: int
    of: int

    @property
    def doubt(self) -> str | None:
        """Say why forecasts made as early cannot be relied on; None where they can."""
        if self.of >= FEWEST_TESTED and self.held >= LEAST_HELD * self.of:
            return None
        why = f"forecasts made as early held for {self.held} of {self.of} trials"
        return f"{why}; it takes {LEAST_HELD:.0%} of {FEWEST_TESTED}"


class Course(NamedTuple):
    """The losses expected at steps up to a run's end, made from its points up to the first."""

    steps: list[int]
    losses: list[Interval]


def course(run: Run, share: float) -> Course | None:
    """Return what was, or is, expected after a share of a run's steps; None where nothing is."""
    end = run.config.target
    seen = [(point.step, point.value) for point in run.points if point.step <= share * end]
    expected = _outlook(run, seen)
    if expected.loss is None:
        return None
    last, loss = seen[-1]
    steps = [last + (end - last) * n // _COURSE for n in range(1, _COURSE + 1)]
    losses = [_outlook(run, seen, step).loss for step in steps]
    return Course([last, *steps], [Interval(loss, loss, loss), *filter(None, losses)])


def outlook(run: Run) -> Outlook:
    """Return the loss that a run is expected to end with; losses are its curve's."""
    return _outlook(run, [(point.step, point.value) for point in run.points])


def _outlook(run: Run, points: list[tuple[int, float]], at: int | None = None) -> Outlook:
    """Return what is expected at the run's end, or at a step before."""
    end = run.config.target
    done = points[-1][0] if points else 0
    if done >= end:
        return Outlook(end, None, "it has ended")
    if not run.kind.can_be_forecast:
        return Outlook(end, None, f"its run type {run.kind.why_no_forecast or _LOSSLESS}")
    if done * FARTHEST < end:
        return Outlook(end, None, f"step {done} of {end} is too early")
    if run.config.parsed is None:
        return Outlook(end, None, "its config is of another version")
    schedule = _schedule(run)
    steady = _steady_from(schedule, end)
    if steady > done:
        change = f"from {schedule(done):.0%} to {schedule(end - 1):.0%} of its peak"
        return Outlook(end, None, f"until then the learning rate goes {change}")
    start = max(EARLIEST * done, steady, _own_start(run))
    used = [(step, loss) for step, loss in points if step > start]
    if len(used) < FEWEST_POINTS:
        few = f"{len(used)} evaluations at this learning rate; it takes {FEWEST_POINTS}"
        return Outlook(end, None, few)
    loss = extrapolated(used, at or end)
    return Outlook(end, loss, None if loss else "the losses do not fall as a power law")


def backtest(runs: Iterable[Run], share: float) -> Coverage:
    """Forecast the final loss of ended runs from their first share of steps; count what held."""
    held = of = 0
    for run in runs:
        if run.trial.state not in ENDED_WELL or not run.points:
            continue
        end, last = run.config.target, run.points[-1]
        seen = [(point.step, point.value) for point in run.points if point.step <= share * end]
        if last.step < end or (told := _outlook(run, seen).loss) is None:
            continue
        of += 1
        held += told.low <= last.value <= told.high
    return Coverage(held, of)


def tested_on(lab: Lab, run_type: str, metric: Metric) -> list[Run]:
    """Return the latest trials of a run type that have ended."""
    ended = [t for t in queries.trials(lab, states=ENDED) if t.config["run_type"] == run_type]
    return runs_of(lab, ended[-MOST_TESTED:], metric)


def share_done(run: Run) -> float:
    """Return how far a run is."""
    return run.points[-1].step / run.config.target


def _schedule(run: Run) -> Schedule:
    config = run.config.fitted
    assert isinstance(config, ScheduleConfig), "without one there is no forecast"
    return build_schedule(config)


def _steady_from(schedule: Schedule, end: int) -> int:
    """Return the step from which on the learning rate stays, within `LEVEL`, until the end.

    A loss falls further, or no more, as the rate decays: no power law carried on tells how far.
    """
    steady, low, high = end - 1, math.inf, 0.0
    for step in sorted(
        {round(n * (end - 1) / _SAMPLES) for n in range(_SAMPLES + 1)}, reverse=True
    ):
        low, high = min(low, schedule(step)), max(high, schedule(step))
        if low < (1.0 - LEVEL) * high:
            break
        steady = step
    return steady


def _own_start(run: Run) -> int:
    """Return where the run's settings hold from: its resume, where that changed some."""
    return (run.trial.from_step or 0) if LINEAGE in run.settings else 0

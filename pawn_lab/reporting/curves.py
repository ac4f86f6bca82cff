"""Learning curves that follow a trial's lineage: its ancestors up to each resume, then its own."""

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

from pawn_lab import streams
from pawn_lab.lab import Lab
from pawn_lab.records import Spent, Trial
from pawn_lab.reporting.metrics import Metric
from pawn_lab.trials import variants
from pawn_lab.trials.variants import SINGLE

Axis = Literal["step", "tokens", "hours", "cost"]
"""Optimizer steps; tokens, device-hours or money spent on the trial and what it continues."""


class Point(NamedTuple):
    """A metric's value, and what it took to get there."""

    step: int
    hours: float
    cost: float
    value: float
    tokens: float = 0.0


def curve(lab: Lab, trial_id: int, metric: Metric, variant: str = SINGLE) -> list[Point]:
    """Return a metric of a trial and of what it was resumed from, by step; nulls are left out.

    Of several models, that of `variant`; hours and cost are those of the whole trial.
    """
    points, before, count = [], Spent(hours=0.0, cost=0.0), TokenCount()
    for trial, everything in segments(lab, trial_id):
        records = [r for r in variants.records_of(everything, variant) if r["time"] is not None]
        spent = lab.spent(trial.id, [record["time"] for record in records])
        totals = [Spent(hours=before.hours + s.hours, cost=before.cost + s.cost) for s in spent]
        tokens = [count.after(record) for record in records]
        points += [
            Point(record["step"], total.hours, total.cost, record[metric.name], seen)
            for record, total, seen in zip(records, totals, tokens, strict=True)
            if record["type"] == metric.record and _is_number(record.get(metric.name))
        ]
        before = totals[-1] if totals else before
    return points


class TokenCount:
    """Tokens trained on up to each record: those of a step are the window's speed times its step.

    Steps without a train record of their own count as many as the last ones that had one.
    """

    def __init__(self) -> None:
        self._step, self._tokens, self._a_step = 0, 0.0, 0.0

    def after(self, record: dict[str, Any]) -> float:
        """Return the tokens up to a record; records come by step."""
        if record["type"] == "train":
            self._a_step = _tokens_a_step(record) or self._a_step
            self._tokens += self._a_step * max(0, record["step"] - self._step)
            self._step = record["step"]
        return self._tokens + self._a_step * max(0, record["step"] - self._step)


def _tokens_a_step(train: dict[str, Any]) -> float | None:
    speed, duration = train.get("tokens_per_s"), train.get("step_s")
    if isinstance(speed, int | float) and isinstance(duration, int | float):
        return speed * duration
    return None


def evaluations(lab: Lab, trial_id: int) -> list[dict[str, Any]]:
    """Return the evaluation records of a trial and of what it was resumed from, by step."""
    return [
        record
        for _, records in segments(lab, trial_id)
        for record in records
        if record["type"] == "eval"
    ]


def lineage(lab: Lab, trial_id: int) -> list[Trial]:
    """Return the trial and its ancestors, oldest first."""
    trial = lab.trial(trial_id)
    older = lineage(lab, trial.parent) if trial.parent is not None else []
    return [*older, trial]


def related(lab: Lab, trial_id: int) -> set[int]:
    """Return a trial with what it continues and what continues it, however often."""
    own = {trial.id for trial in lineage(lab, trial_id)}
    parents = {trial.id: trial.parent for trial in lab.trials()}
    return own | {each for each in parents if trial_id in _older(each, parents)}


def _older(trial_id: int | None, parents: dict[int, int | None]) -> Iterator[int]:
    while trial_id is not None:
        yield trial_id
        trial_id = parents[trial_id]


def segments(lab: Lab, trial_id: int) -> list[tuple[Trial, list[dict[str, Any]]]]:
    """Return each trial of the lineage with its records up to where the next one starts."""
    trials = lineage(lab, trial_id)
    ends = [child.from_step for child in trials[1:]] + [None]
    return [(trial, _until(lab, trial, end)) for trial, end in zip(trials, ends, strict=True)]


def _until(lab: Lab, trial: Trial, end: int | None) -> list[dict[str, Any]]:
    records = streams.records(lab.paths.trial(trial.id))
    return [record for record in records if end is None or record["step"] <= end]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)

"""What happened to a learning curve: where it was resumed, and where its learning rate turned."""

from collections.abc import Iterator
from itertools import groupby, pairwise
from typing import Any, Literal, NamedTuple

from pawn_lab.analysis.curves import Lineages
from pawn_lab.lab import Lab
from pawn_lab.trials import variants
from pawn_lab.trials.variants import SINGLE

Kind = Literal["resume", "learning rate", "event"]

STEADY = 1e-4
"""Least relative change between two records that counts as one."""
SHORTEST = 3
"""Records that a phase of the learning rate has at least."""


class Mark(NamedTuple):
    """Something that happened at a step."""

    step: int
    kind: Kind
    text: str


def marks(lab: Lab, trial_id: int, variant: str = SINGLE) -> list[Mark]:
    """Return the resumes of a trial's lineage and the turns of a model's learning rate, by step."""
    lineage = Lineages(lab).segments(trial_id, training=True)
    rates = [
        (record["step"], record["lr"])
        for segment in lineage
        for record in variants.records_of(segment.records, variant)
        if record["type"] == "train" and record.get("lr") is not None
    ]
    trials = [segment.trial for segment in lineage[1:]]
    resumes = [
        Mark(trial.from_step, "resume", f"resumed as {trial.id}")
        for trial in trials
        if trial.from_step is not None
    ]
    return sorted([*resumes, *turns(rates)], key=lambda mark: mark.step)


def turns(rates: list[tuple[int, float]]) -> Iterator[Mark]:
    """Yield a mark where the learning rate begins to rise, to stay or to fall."""
    phases = [
        (trend, list(members)) for trend, members in groupby(_trends(rates), key=lambda t: t[1])
    ]
    lasting = [(trend, steps[0][0]) for trend, steps in phases if len(steps) >= SHORTEST]
    before: str | None = None
    for trend, step in lasting:
        if before not in (None, trend):
            yield Mark(step, "learning rate", f"learning rate {trend}")
        before = trend


def _trends(rates: list[tuple[int, float]]) -> Iterator[tuple[int, str]]:
    """Yield for each pair of records where it begins and what the rate does there."""
    for (step, rate), (_, after) in pairwise(rates):
        change = (after - rate) / max(abs(rate), abs(after), 1e-300)
        if abs(change) < STEADY:
            yield step, "stays"
        else:
            yield step, "rises" if change > 0 else "falls"


def placed(mark: Mark, points: list[Any], axis: str) -> float | None:
    """Return where on an axis a mark is: at the last point up to it."""
    behind = [point for point in points if point.step <= mark.step]
    return getattr(behind[-1], axis) if behind else None

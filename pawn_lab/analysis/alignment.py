"""Runs compared at one point: an equal step, or equal device-hours or money spent."""

from collections.abc import Sequence
from dataclasses import dataclass

from pawn_lab.analysis.curves import Axis
from pawn_lab.analysis.groups import Run
from pawn_lab.states import BROKE_OFF


@dataclass(frozen=True)
class Alignment:
    """The last point that all runs have in common, and each run's value there by its name.

    Without such a point `position` is None and there are no values.
    """

    axis: Axis
    position: float | None
    values: dict[str, float]

    def short(self, runs: Sequence[Run]) -> list[Run]:
        """Return the runs that keep the others from being compared further on."""
        ends = [(run, getattr(run.points[-1], self.axis)) for run in runs]
        short = [run for run, end in ends if self.position is not None and end <= self.position]
        return short if len(short) < len(runs) else []


def align(runs: Sequence[Run], axis: Axis) -> Alignment:
    """Find the last step that every run has a value at, or the shortest span of the axis.

    At equal hours or money a run's value is its last at or before the point.
    """
    position = _common_step(runs) if axis == "step" else _shortest_span(runs, axis)
    values = {} if position is None else _values(runs, axis, position)
    if len(values) < len(runs):
        return Alignment(axis, None, {})
    return Alignment(axis, position, values)


def without_early(runs: Sequence[Run]) -> tuple[list[Run], list[Run]]:
    """Return the runs, and apart those that broke off before the last step common to the others."""
    broken = [run for run in runs if run.trial.state in BROKE_OFF]
    others = [run for run in runs if run.trial.state not in BROKE_OFF]
    common = _common_step(others) or 0
    early = [run for run in broken if run.points[-1].step < common]
    return [run for run in runs if run not in early], early


def _common_step(runs: Sequence[Run]) -> int | None:
    steps = [{point.step for point in run.points} for run in runs]
    return max(set.intersection(*steps), default=None) if steps else None


def _shortest_span(runs: Sequence[Run], axis: Axis) -> float | None:
    return min((getattr(run.points[-1], axis) for run in runs), default=None)


def _values(runs: Sequence[Run], axis: Axis, position: float) -> dict[str, float]:
    """Return the last value of each run up to a position, where it has one."""
    reached = {
        run.name: [p.value for p in run.points if getattr(p, axis) <= position] for run in runs
    }
    return {name: values[-1] for name, values in reached.items() if values}

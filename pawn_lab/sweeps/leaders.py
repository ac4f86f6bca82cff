"""The best point of each arm of a sweep, and whether it lies at an end of what was tried."""

from collections.abc import Iterator
from itertools import groupby
from typing import Any, NamedTuple

from pawn_lab.records import Sweep, SweepPoint


class Leader(NamedTuple):
    """The best point of an arm and the one behind it.

    edges: fields of which the best has the lowest or the highest value tried, as `lr lowest tried`.
    """

    arm: int
    best: SweepPoint
    second: SweepPoint
    edges: list[str]

    @property
    def ahead_by(self) -> float:
        """How far the second is behind, in the metric of merit."""
        return abs((self.second.value or 0.0) - (self.best.value or 0.0))


def leaders(sweep: Sweep) -> Iterator[Leader]:
    """Yield the leader of each arm in which two points have a value at the best's last step."""
    sign = sweep.config.kind.merit.sign
    for arm, members in groupby(sweep.points, key=lambda point: point.arm):
        tried = list(members)
        valued = [point for point in tried if point.value is not None]
        last = max((point.step or 0 for point in valued), default=0)
        ranked = sorted((p for p in valued if p.step == last), key=lambda p: sign * (p.value or 0))
        if len(ranked) > 1:
            yield Leader(arm, ranked[0], ranked[1], _edges(ranked[0], tried, sweep.arms[arm]))


def _edges(best: SweepPoint, tried: list[SweepPoint], arm: dict[str, Any]) -> list[str]:
    """Return the numbers that the best has lower or higher than every other point."""
    edges = []
    for name, value in best.overrides.items():
        values = {point.overrides[name] for point in tried if name in point.overrides}
        numbers = {number for number in values if type(number) in (int, float)}
        if name not in arm and len(numbers) > 1 and value in (min(numbers), max(numbers)):
            edges.append(f"{name} {'lowest' if value == min(numbers) else 'highest'} tried")
    return edges

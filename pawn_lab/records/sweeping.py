"""A sweep as it stands, and what it would take."""

from typing import Any

from pydantic import Field

from pawn_lab.configs import StoredConfig
from pawn_lab.records.record import Record
from pawn_lab.records.starting import Span


class SweepPoint(Record):
    """A point of a sweep; `value` is its metric of merit at `step`, the mean over its seeds."""

    number: int
    arm: int
    state: str
    overrides: dict[str, Any]
    step: int | None
    value: float | None
    trials: list[int]


class Sweep(Record):
    """A sweep as it stands; `asked` of `points` have been chosen so far."""

    id: int
    state: str
    config: StoredConfig
    method: str
    arms: list[dict[str, Any]]
    seeds: int
    tag: str
    points: list[SweepPoint]
    asked: int
    of: int
    warnings: list[str] = Field(default_factory=list)


class SweepEstimate(Record):
    """What the trials of a sweep would take together at most; `unknown` of them have no history.

    same_as: by point the trials that are taken instead of run. repeats: the sweep that has the plan
    already, which a start returns.
    """

    trials: int
    unknown: int
    device_hours: Span | None
    cost: Span | None
    same_as: dict[int, list[int]] = Field(default_factory=dict)
    repeats: int | None = None
    warnings: list[str] = Field(default_factory=list)

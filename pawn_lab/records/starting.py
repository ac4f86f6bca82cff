"""What a launch or a resume makes, and what it would take."""

from pydantic import Field

from pawn_lab.configs import StoredConfig
from pawn_lab.records.record import Record
from pawn_lab.records.trial import Trial


class Span(Record):
    """A quantity's median over comparable trials, with their 90th percentile or, of few, the most.

    `most` is that of two to nine trials; one alone has neither.
    """

    p50: float
    p90: float | None = None
    most: float | None = None


class Estimate(Record):
    """What a launch would take; a number is None where `unknown` says why.

    `queue_position` counts the trials before it. `state_bytes` are weights, gradients and optimizer
    state, `measured_bytes` the most device memory that a comparable trial took.
    """

    devices: list[str]
    queue_position: int
    starts_in_s: float | None
    steps: int
    step_s: Span | None
    total_s: Span | None
    cost: Span | None
    from_trials: int
    parameters: int | None
    state_bytes: int | None
    measured_bytes: int | None
    unknown: list[str]
    warnings: list[str] = Field(default_factory=list)


class Launched(Record):
    """The trials of one launch; `known` are those that existed before it.

    `config` is what was asked for: that of a trial that existed may say the same in other words.
    warnings: what will run worse here than one may think.
    """

    trials: list[Trial]
    known: list[int]
    config: StoredConfig
    warnings: list[str] = Field(default_factory=list)


class Resumed(Record):
    """A trial that goes on from its parent, or would: the configs of both, and from which step.

    `repeated` is the trial where it existed before; `without` are limits of the parent's that do
    not hold for it. A dry run has no trial, but a forecast.
    """

    trial: Trial | None
    repeated: list[int]
    parent: StoredConfig
    config: StoredConfig
    from_step: int
    without: list[str]
    estimate: "Estimate | None" = None
    warnings: list[str] = Field(default_factory=list)

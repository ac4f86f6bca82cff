"""What a trial has shown so far."""

from typing import Any

from pydantic import Field

from pawn_lab.configs import StoredConfig
from pawn_lab.records.record import Record
from pawn_lab.states import State


class Evaluation(Record):
    """The metrics of one evaluation."""

    step: int
    metrics: dict[str, int | float | None]


class TrialResult(Record):
    """What a model of a trial has shown so far; the `variant` of a single one is empty."""

    id: int
    state: State
    tags: list[str]
    variant: str
    config: StoredConfig
    ablation: dict[str, Any]
    parent: int | None
    from_step: int | None
    step: int | None
    last: Evaluation | None
    best: Evaluation | None
    cost: float


class ModelProgress(Record):
    """The latest records of one model of a trial."""

    train: dict[str, Any] | None
    evaluation: dict[str, Any] | None
    live: dict[str, float] = Field(default_factory=dict)
    """Those numbers of `train` that tell how it is doing."""


class Progress(Record):
    """How far a trial is, counted in its `unit`; `eta_s` is the time to its next stop.

    models: by variant; the name of a single one is empty.
    data_wait: share of a step spent waiting for data. device_memory: most bytes held on a GPU.
    health: `ok`, `starting` with phase and age, or what is wrong; None where it does not run.
    """

    trial_id: int
    state: State
    unit: str
    step: int | None
    target_step: int
    models: dict[str, ModelProgress]
    steps_per_s: float | None
    eta_s: float | None
    data_wait: float | None = None
    device_memory: int | None = None
    health: str | None = None


class LogExcerpt(Record):
    """Lines from the end of a trial's log, control codes removed."""

    trial_id: int
    lines: list[str]
    size_bytes: int
    truncated: bool

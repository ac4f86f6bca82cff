"""What the lab answers with. Times are Unix seconds, durations seconds."""

from typing import Any, Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict

from pawn_lab.configs import StoredConfig
from pawn_lab.states import State


class Record(BaseModel):
    """A fixed answer."""

    model_config = ConfigDict(frozen=True)


class PostMortem(Record):
    """Why a trial failed; `differs` holds `[value of nearest_good, value of this trial]`."""

    kind: str
    first_bad_step: int | None = None
    last_healthy: dict[str, float] | None = None
    traceback: str | None = None
    nearest_good: int | None = None
    differs: dict[str, Any] | None = None
    next_call: str


Evidence = dict[str, int | float | str]
"""The numbers for which a rule stopped a trial; a name where there are several models."""


class Exit(Record):
    """How a trial ended, from the shim's `exit.json` and the trainer's own outcome."""

    code: int | None
    signal: int | None
    reason: str
    message: str
    step: int | None = None
    checkpoint: str | None = None
    duration_s: float | None = None
    evidence: Evidence | None = None
    post_mortem: PostMortem | None = None

    @classmethod
    def never_ran(cls, reason: str) -> Self:
        """Return the exit of a trial that was killed while it was queued."""
        return cls(code=None, signal=None, reason="killed", message=f"killed: {reason}")

    @classmethod
    def lost(cls, message: str) -> Self:
        """Return the exit of a trial that nobody saw end."""
        return cls(code=None, signal=None, reason="lost", message=message)


class Trial(Record):
    """A trial as it stands."""

    id: int
    state: State
    config: StoredConfig
    tags: list[str]
    hypothesis: str | None
    priority: int
    parent: int | None
    from_step: int | None
    device: str | None
    created_at: float
    started_at: float | None
    ended_at: float | None
    waits_for: str | None = None
    queued_before: int | None = None
    exit: Exit | None
    cost: float

    @property
    def why_waiting(self) -> str | None:
        """What a queued trial waits for, and its place in the queue."""
        if self.waits_for is None:
            return None
        place = f"{self.queued_before} queued before it" if self.queued_before else "first in queue"
        return f"{self.waits_for}; {place}"


class Glance(Record):
    """The trials at a glance: the active ones, the latest that ended, newest first."""

    counts: dict[State, int]
    active: list[Trial]
    ended: list[Trial]
    unresumed: int
    """Paused trials that no other trial continues."""
    trouble: list[Trial] = []
    """The oldest trials of all that ended in trouble and that nothing has answered since."""
    troubled: int = 0
    """How many such trials there are."""


class Pulse(Record):
    """What decides when to look at the lab again.

    ends_in_s: until each running trial is expected to end. starting_s: for how long those have
    been at it that have no speed yet. idle_s: for how long every device has been idle.
    """

    devices: int
    idle: int
    idle_s: float | None
    queued: int
    stopping: int
    ends_in_s: list[float]
    starting_s: list[float]


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
    warnings: list[str] = []


class Launched(Record):
    """The trials of one launch; `known` are those that existed before it.

    `config` is what was asked for: that of a trial that existed may say the same in other words.
    warnings: what will run worse here than one may think.
    """

    trials: list[Trial]
    known: list[int]
    config: StoredConfig
    warnings: list[str] = []


class Event(Record):
    """Something that happened; `seq` has no gaps."""

    seq: int
    time: float
    trial_id: int | None
    kind: str
    message: str
    data: dict[str, Any]


class EventPage(Record):
    """Events after a cursor; pass `cursor` as the next call's `since`."""

    events: list[Event]
    cursor: int
    more: bool


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


class SweepPoint(Record):
    """A point of a sweep; `value` is its validation loss at `step`, the mean over its seeds."""

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
    method: str
    arms: list[dict[str, Any]]
    seeds: int
    tag: str
    points: list[SweepPoint]
    asked: int
    of: int
    warnings: list[str] = []


class ModelProgress(Record):
    """The latest records of one model of a trial."""

    train: dict[str, Any] | None
    evaluation: dict[str, Any] | None


class Progress(Record):
    """How far a trial is; `eta_s` is the time to its next stop at the recent rate.

    models: by variant; the name of a single one is empty.
    data_wait: share of a step spent waiting for data. device_memory: most bytes held on a GPU.
    health: `ok`, `starting` with phase and age, or what is wrong; None where it does not run.
    """

    trial_id: int
    state: State
    step: int | None
    target_step: int
    models: dict[str, ModelProgress]
    steps_per_s: float | None
    eta_s: float | None
    data_wait: float | None = None
    device_memory: int | None = None
    health: str | None = None


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
    warnings: list[str] = []


class SweepEstimate(Record):
    """What the trials of a sweep would take together at most; `unknown` of them have no history.

    same_as: by point the trials that are taken instead of run. repeats: the sweep that has the plan
    already, which a start returns.
    """

    trials: int
    unknown: int
    device_hours: Span | None
    cost: Span | None
    same_as: dict[int, list[int]] = {}
    repeats: int | None = None
    warnings: list[str] = []


class LogExcerpt(Record):
    """Lines from the end of a trial's log, control codes removed."""

    trial_id: int
    lines: list[str]
    size_bytes: int
    truncated: bool


Basis = Literal["device_time", "machine_time"]
"""What a budget counts."""


class BudgetReport(Record):
    """The cap, what was spent of it, and what active trials are expected to take still."""

    budget: float
    basis: Basis
    spent: float
    reserved: float


class MachineReport(Record):
    """The machine's own clock since its price was first set, whether anything ran or not.

    idle_share: of its device-time that no trial held; None where no time has passed.
    """

    hours: float
    total: float
    idle_share: float | None


class CostReport(Record):
    """Money spent on device-time held by trials; the rate is that of the whole machine."""

    cost_per_hour: float | None
    devices: int
    device_hours: float
    unpriced_device_hours: float
    total: float
    by_trial: dict[int, float]
    by_tag: dict[str, float]
    machine: MachineReport | None = None
    budget: BudgetReport | None = None


class Spent(NamedTuple):
    """Device-hours held up to a moment, and what they cost."""

    hours: float
    cost: float


class DiskUse(Record):
    """What a trial takes on the disk, in bytes."""

    trial_id: int
    state: State
    tags: list[str]
    archived: bool
    checkpoints: int
    checkpoints_bytes: int
    other_bytes: int

    def bytes(self, *, checkpoints_only: bool = False) -> int:
        """Return the bytes of all files, or of the checkpoints' alone."""
        return self.checkpoints_bytes + (0 if checkpoints_only else self.other_bytes)


class FreedTrial(Record):
    """A trial of which something was deleted, and the bytes that this freed."""

    trial_id: int
    freed_bytes: int


class DeviceStatus(Record):
    """A device and who holds it; memory in bytes, None where it cannot be read."""

    id: str
    kind: str
    name: str
    trial_id: int | None
    memory_used: int | None = None
    memory_total: int | None = None
    temperature_c: int | None = None
    utilization: int | None = None

"""lab_status: what runs, what waits, what ended, and what needs a decision."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from pawn_core.config import RunConfig
from pawn_lab.analysis.groups import runs_of
from pawn_lab.lab import Lab, queries, spending
from pawn_lab.records import DeviceStatus, Glance, ModelProgress, Progress, Trial
from pawn_lab.reporting.headline import headline
from pawn_lab.reporting.health import is_trouble
from pawn_lab.reporting.metrics import of_merit
from pawn_lab.states import ENDED, HOLDING, State
from pawn_lab.tools.forecasts import ForecastRow, forecast_rows
from pawn_lab.tools.notation import timestamp
from pawn_lab.tools.questions import MaxTokens, Question, Reading, Since
from pawn_lab.tools.registry import LabTool
from pawn_lab.tools.values import Answer, Number, RunRow, Table, Tag, TrialId, rounded
from pawn_lab.trials.variants import SINGLE

_GIB = 1 << 30


Live = dict[str, Number]
"""Numbers of the latest train record by name, a column each."""


class LiveRow(RunRow):
    """A row with such numbers."""

    def columns(self, field: str, value: Any) -> dict[str, Any]:
        """Return a field's value by its column; each of the numbers has its own."""
        return value if field == "live" else super().columns(field, value)


class ModelRow(LiveRow):
    """The latest numbers of one variant."""

    named: ClassVar = {"value": "{metric}"}

    live: Live = Field(default_factory=dict)
    value: Number = None


class RunningRow(LiveRow):
    """A trial on a device; eta_s is the time to its next stop.

    data_wait: share of a step spent waiting for data. health: ok, what starts, or what is wrong.
    Memory and temperature are those of a GPU.
    """

    named: ClassVar = {"step": "{unit}", "value": "{metric}", "steps_per_s": "{unit}s_per_s"}

    trial_id: int
    tags: list[str]
    device: str | None = None
    step: int | None = None
    of: int | None = None
    live: Live = Field(default_factory=dict)
    value: Number = None
    variants: dict[str, ModelRow] | None = None
    steps_per_s: Number = None
    eta_s: int | None = None
    data_wait: Number = None
    memory_gib: Number = None
    temperature_c: int | None = None
    health: str | None = None


class WaitingRow(Answer):
    """A trial in the queue, in its order, and at last those on hold.

    why: what it waits for, where not what all wait for. on_hold: for a person.
    """

    trial_id: int
    tags: list[str]
    why: str | None = None
    on_hold: Literal[True] | None = None


class EndedRow(RunRow):
    """A trial that ended, and how."""

    named: ClassVar = {"step": "{unit}"}

    trial_id: int
    tags: list[str]
    state: str
    step: int | None = None
    message: str | None = None


class DeviceRow(Answer):
    """A device and the trial that holds it."""

    device: str
    name: str
    trial_id: int | None = None
    memory_used_gib: Number = None
    memory_gib: Number = None
    temperature_c: int | None = None
    utilization: int | None = None
    strangers: int | None = None


def running_row(trial: Trial, progress: Progress, devices: list[DeviceStatus]) -> RunningRow:
    """Show a trial that holds a device."""
    device = next((candidate for candidate in devices if candidate.trial_id == trial.id), None)
    kind = trial.config.kind
    models = {name: _model(kind, model) for name, model in progress.models.items()}
    only = models.get(SINGLE)
    return RunningRow.for_kind(
        kind,
        trial_id=trial.id,
        tags=trial.tags,
        device=trial.device,
        step=progress.step,
        of=progress.target_step,
        live=only.live if only else Live(),
        value=only.value if only else None,
        variants={name: row for name, row in models.items() if name != SINGLE} or None,
        steps_per_s=progress.steps_per_s,
        eta_s=None if progress.eta_s is None else round(progress.eta_s),
        data_wait=progress.data_wait,
        memory_gib=_gib(progress.device_memory),
        temperature_c=device.temperature_c if device else None,
        health=progress.health,
    )


def _model(kind: type[RunConfig], model: ModelProgress) -> ModelRow:
    value = (model.evaluation or {}).get(kind.merit.metric)
    return ModelRow.for_kind(kind, live=dict(model.live), value=value)


def waiting_row(trial: Trial, common: str | None) -> WaitingRow:
    """Show a queued trial; `common` is what is said of all."""
    why = trial.waits_for if trial.waits_for != common else None
    on_hold = True if trial.on_hold else None
    return WaitingRow(trial_id=trial.id, tags=trial.tags, why=why, on_hold=on_hold)


def ended_row(trial: Trial) -> EndedRow:
    """Show a trial that ended."""
    return EndedRow.for_kind(
        trial.config.kind,
        trial_id=trial.id,
        tags=trial.tags,
        state=trial.state,
        step=trial.exit.step if trial.exit else None,
        message=trial.exit.message if trial.exit else None,
    )


def device_row(device: DeviceStatus) -> DeviceRow:
    """Show a device."""
    return DeviceRow(
        device=device.id,
        name=device.name,
        trial_id=device.trial_id,
        memory_used_gib=_gib(device.memory_used),
        memory_gib=_gib(device.memory_total),
        temperature_c=device.temperature_c,
        utilization=device.utilization,
        strangers=device.strangers or None,
    )


def _gib(size: int | None) -> float | None:
    return None if size is None else size / _GIB


ROWS = 5
MOST_ROWS = 500


class TrialDetail(Answer):
    """One trial in full; of its config what differs from the defaults."""

    hypothesis: str | None = None
    asked_by: str | None = None
    config: dict[str, Any]
    games: str | None = None
    parent: int | None = None
    from_step: int | None = None
    created: str
    started: str | None = None
    ended: str | None = None
    exit: dict[str, Any] | None = None
    cost: Number = None
    forecasts: list[ForecastRow] | None = None


class StatusAnswer(Reading):
    """The lab at a glance; ended: only the latest, newest first.

    waits_for: of all in `waiting` that do not say otherwise.
    lost_devices: GPUs that no trial can run on, and why.
    """

    per_trial: ClassVar = ("running", "waiting", "ended", "devices")
    cuttable: ClassVar = ("ended", "waiting", "devices", "running")

    headline: str
    running: Table[RunningRow]
    waits_for: str | None = None
    waiting: Table[WaitingRow]
    ended: Table[EndedRow]
    counts: dict[str, int]
    devices: Table[DeviceRow]
    lost_devices: list[str] | None = None
    cost_per_hour: Number = None
    cost_total: Number = None
    machine_total: Number = None
    idle_share: Number = None
    detail: TrialDetail | None = None


def lab_status(
    lab: Lab,
    trial_id: Annotated[TrialId | None, Field(description="One trial in full.")] = None,
    tag: Tag = None,
    rows: Annotated[int, Field(ge=0, le=MOST_ROWS, description="Most rows.")] = ROWS,
    since: Since = None,
    max_tokens: MaxTokens = 1500,
) -> StatusAnswer:
    """Show what needs a decision, what runs, waits and ended lately, devices and cost.

    lab_events is cheaper.

    With trial_id the rows are of that trial alone and `detail` holds its config, its lineage
    and how it ended. `rows` bounds waiting and ended trials each.
    """
    question = Question.of(lab, ("status", trial_id, tag, rows), since, max_tokens)
    everything, devices, cost = (
        queries.glance(lab, latest=max(1, rows)),
        queries.devices(lab),
        spending.cost(lab),
    )
    shown = _shown(lab, everything, trial_id, tag, rows)
    now = {progress.trial_id: progress for progress in queries.running(lab)}
    running = [running_row(t, now[t.id], devices) for t in everything.active if t.id in now]
    active = {trial.id for trial in shown.active}
    queue = sorted(_queued(shown), key=lambda trial: (trial.on_hold, trial.queued_before or 0))
    common = queue[0].waits_for if queue else None
    ailing = {row.trial_id: row.health for row in running if is_trouble(row.health)}
    answer = StatusAnswer(
        headline=_warning(lab) or headline(everything, devices, ailing),
        running=[row for row in running if row.trial_id in active],
        waits_for=common,
        waiting=[waiting_row(trial, common) for trial in queue[:rows]],
        ended=[ended_row(trial) for trial in shown.ended],
        counts={str(state): count for state, count in shown.counts.items()},
        devices=[device_row(device) for device in devices],
        lost_devices=queries.device_faults(lab) or None,
        cost_per_hour=cost.cost_per_hour,
        cost_total=cost.total if cost.machine else None,
        machine_total=rounded(cost.machine.total if cost.machine else None),
        idle_share=rounded(cost.machine.idle_share if cost.machine else None),
        detail=_detail(lab, *shown.active, *shown.ended) if trial_id is not None else None,
        left_out=_further(len(queue), rows),
    )
    return question.answered(answer)


def _shown(
    lab: Lab, everything: Glance, trial_id: int | None, tag: str | None, rows: int
) -> Glance:
    """Return what the rows are about: one trial, those of a tag, or all."""
    if trial_id is None:
        own = everything if tag is None else queries.glance(lab, tag, rows)
        return own.model_copy(update={"ended": own.ended[:rows]})
    [trial] = queries.selected(lab, [trial_id], tag)
    active, ended = ([], [trial]) if trial.state in ENDED else ([trial], [])
    return Glance(counts={trial.state: 1}, active=active, ended=ended, unresumed=0)


def _warning(lab: Lab) -> str | None:
    """Say that the lab can only be read, and why, or that it was mended just now."""
    if lab.refusal:
        return f"Nothing is recorded or launched: {lab.refusal}."
    return lab.mended and f"Look through lab_events: {lab.mended}."


def _queued(shown: Glance) -> list[Trial]:
    return [trial for trial in shown.active if trial.state == State.QUEUED]


def _further(count: int, rows: int) -> str | None:
    """Say how many more wait, and which call gets them."""
    return f"{count - rows} more of {count} waiting; rows={count}: all" if count > rows else None


def _detail(lab: Lab, trial: Trial) -> TrialDetail:
    return TrialDetail(
        hypothesis=trial.hypothesis,
        asked_by=queries.asked_by(lab, trial.id),
        config=trial.config.as_run.beyond_defaults,
        games=trial.games.described() if trial.games else None,
        parent=trial.parent,
        from_step=trial.from_step,
        created=timestamp(trial.created_at),
        started=timestamp(trial.started_at),
        ended=timestamp(trial.ended_at),
        exit=trial.exit.model_dump(exclude_none=True) if trial.exit else None,
        cost=trial.cost,
        forecasts=_forecasts(lab, trial) or None,
    )


def _forecasts(lab: Lab, trial: Trial) -> list[ForecastRow]:
    """Return what a running trial is expected to end with, tested on the latest like it."""
    if trial.state not in HOLDING:
        return []
    metric = of_merit(trial.config.kind)
    return forecast_rows(lab, runs_of(lab, [trial], metric), metric)


TOOL = LabTool(lab_status, title="The lab at a glance", read_only=True, idempotent=True)

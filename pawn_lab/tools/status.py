"""lab_status: what runs, what waits, what ended, and what needs a decision."""

from typing import Annotated, Any, ClassVar

from pydantic import Field

from pawn_lab.analysis.final_loss import tested_on
from pawn_lab.analysis.groups import runs_of
from pawn_lab.lab import Lab
from pawn_lab.records import DeviceStatus, Glance, ModelProgress, Progress, Trial
from pawn_lab.reporting.health import WELL
from pawn_lab.reporting.metrics import metric_of_merit
from pawn_lab.tools.forecasts import ForecastRow, forecast_rows
from pawn_lab.tools.headline import headline
from pawn_lab.tools.reading import MaxTokens, Question, Reading, Since
from pawn_lab.tools.registry import LabTool
from pawn_lab.tools.trial_views import beyond_defaults, timestamp
from pawn_lab.tools.values import Answer, Number, Tag, TrialId
from pawn_lab.trials.states import ENDED, HOLDING, State
from pawn_lab.trials.variants import SINGLE

RECENT = 5
NO_TROUBLE = (WELL, "starting", None)
_GIB = 1 << 30


class ModelRow(Answer):
    """The latest numbers of one variant."""

    loss: Number = None
    val_loss: Number = None


class RunningRow(Answer):
    """A trial on a device; eta_s is the time to its next stop.

    data_wait: share of a step spent waiting for data. health: ok, starting, or what is wrong.
    Memory and temperature are those of a GPU.
    """

    trial_id: int
    tags: list[str]
    device: str | None = None
    step: int | None = None
    of: int | None = None
    loss: Number = None
    val_loss: Number = None
    variants: dict[str, ModelRow] | None = None
    steps_per_s: Number = None
    eta_s: int | None = None
    data_wait: Number = None
    memory_gib: Number = None
    temperature_c: int | None = None
    health: str | None = None


class WaitingRow(Answer):
    """A trial in the queue, and what it waits for."""

    trial_id: int
    tags: list[str]
    why: str | None = None


class EndedRow(Answer):
    """A trial that ended, and how."""

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


class TrialDetail(Answer):
    """One trial in full; of its config what differs from the defaults."""

    hypothesis: str | None = None
    asked_by: str | None = None
    config: dict[str, Any]
    parent: int | None = None
    from_step: int | None = None
    created: str
    started: str | None = None
    ended: str | None = None
    exit: dict[str, Any] | None = None
    cost: Number = None
    forecasts: list[ForecastRow] | None = None


class StatusAnswer(Reading):
    """The lab at a glance; `headline` first, `ended` only the latest, newest first."""

    per_trial: ClassVar = ("running", "waiting", "ended", "devices")
    cuttable: ClassVar = ("ended", "waiting", "devices", "running")

    headline: str
    running: list[RunningRow]
    waiting: list[WaitingRow]
    ended: list[EndedRow]
    counts: dict[str, int]
    devices: list[DeviceRow]
    cost_per_hour: Number = None
    cost_total: Number = None
    detail: TrialDetail | None = None


def lab_status(
    lab: Lab,
    trial_id: Annotated[
        TrialId | None, Field(description="One trial in full: config, lineage, how it ended.")
    ] = None,
    tag: Tag = None,
    since: Since = None,
    max_tokens: MaxTokens = 1500,
) -> StatusAnswer:
    """Show the lab at a glance: what needs a decision, runs, waits, ended lately; devices; cost.

    Use it to orient in a new session and for the full check-in; between those lab_events is
    cheaper. With trial_id the rows are of that trial alone and `detail` holds its config.
    """
    question = Question.of(lab, ("status", trial_id, tag), since, max_tokens)
    everything, devices, cost = lab.glance(latest=RECENT), lab.devices(), lab.cost()
    shown = _shown(lab, everything, trial_id, tag)
    now = {progress.trial_id: progress for progress in lab.running()}
    running = [_running(t, now[t.id], devices) for t in everything.active if t.id in now]
    active = {trial.id for trial in shown.active}
    ailing = {row.trial_id: row.health for row in running if row.health not in NO_TROUBLE}
    answer = StatusAnswer(
        headline=headline(everything, devices, ailing),
        running=[row for row in running if row.trial_id in active],
        waiting=[_waiting(trial) for trial in shown.active if trial.state == State.QUEUED],
        ended=[_ended(trial) for trial in shown.ended],
        counts={str(state): count for state, count in shown.counts.items()},
        devices=[_device(device) for device in devices],
        cost_per_hour=cost.cost_per_hour,
        cost_total=cost.total,
        detail=_detail(lab, *shown.active, *shown.ended) if trial_id is not None else None,
    )
    return question.answered(answer)


def _shown(lab: Lab, everything: Glance, trial_id: int | None, tag: str | None) -> Glance:
    """Return what the rows are about: one trial, those of a tag, or all."""
    if trial_id is None:
        return everything if tag is None else lab.glance(tag, RECENT)
    trial = lab.trial(trial_id)
    active, ended = ([], [trial]) if trial.state in ENDED else ([trial], [])
    return Glance(counts={trial.state: 1}, active=active, ended=ended, unresumed=0)


def _running(trial: Trial, progress: Progress, devices: list[DeviceStatus]) -> RunningRow:
    device = next((each for each in devices if each.trial_id == trial.id), None)
    models = {name: _model(model) for name, model in progress.models.items()}
    only = models.get(SINGLE)
    return RunningRow(
        trial_id=trial.id,
        tags=trial.tags,
        device=trial.device,
        step=progress.step,
        of=progress.target_step,
        loss=only.loss if only else None,
        val_loss=only.val_loss if only else None,
        variants={name: row for name, row in models.items() if name != SINGLE} or None,
        steps_per_s=progress.steps_per_s,
        eta_s=None if progress.eta_s is None else round(progress.eta_s),
        data_wait=progress.data_wait,
        memory_gib=_gib(progress.device_memory),
        temperature_c=device.temperature_c if device else None,
        health=progress.health,
    )


def _model(model: ModelProgress) -> ModelRow:
    return ModelRow(
        loss=(model.train or {}).get("loss"), val_loss=(model.evaluation or {}).get("val_loss")
    )


def _waiting(trial: Trial) -> WaitingRow:
    return WaitingRow(trial_id=trial.id, tags=trial.tags, why=trial.why_waiting)


def _ended(trial: Trial) -> EndedRow:
    return EndedRow(
        trial_id=trial.id,
        tags=trial.tags,
        state=trial.state,
        step=trial.exit.step if trial.exit else None,
        message=trial.exit.message if trial.exit else None,
    )


def _detail(lab: Lab, trial: Trial) -> TrialDetail:
    return TrialDetail(
        hypothesis=trial.hypothesis,
        asked_by=lab.asked_by(trial.id),
        config=beyond_defaults(trial.config),
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
    metric = metric_of_merit("val_loss")
    ended = tested_on(lab, trial.config["run_type"], metric)
    return forecast_rows(runs_of(lab, [trial], metric), ended)


def _device(device: DeviceStatus) -> DeviceRow:
    return DeviceRow(
        device=device.id,
        name=device.name,
        trial_id=device.trial_id,
        memory_used_gib=_gib(device.memory_used),
        memory_gib=_gib(device.memory_total),
        temperature_c=device.temperature_c,
        utilization=device.utilization,
    )


def _gib(size: int | None) -> float | None:
    return None if size is None else size / _GIB


TOOL = LabTool(lab_status, title="The lab at a glance", read_only=True, idempotent=True)

"""Rows of lab_status: a trial that runs, waits or has ended, and a device."""

from pawn_lab.records import DeviceStatus, ModelProgress, Progress, Trial
from pawn_lab.tools.values import Answer, Number
from pawn_lab.trials.variants import SINGLE

_GIB = 1 << 30


class ModelRow(Answer):
    """The latest numbers of one variant."""

    loss: Number = None
    val_loss: Number = None


class RunningRow(Answer):
    """A trial on a device; eta_s is the time to its next stop.

    data_wait: share of a step spent waiting for data. health: ok, what starts, or what is wrong.
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
    """A trial in the queue, in its order; why: what it waits for, where not what all wait for."""

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


def running_row(trial: Trial, progress: Progress, devices: list[DeviceStatus]) -> RunningRow:
    """Show a trial that holds a device."""
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


def waiting_row(trial: Trial, common: str | None) -> WaitingRow:
    """Show a queued trial; `common` is what is said of all."""
    why = trial.waits_for if trial.waits_for != common else None
    return WaitingRow(trial_id=trial.id, tags=trial.tags, why=why)


def ended_row(trial: Trial) -> EndedRow:
    """Show a trial that ended."""
    return EndedRow(
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
    )


def _gib(size: int | None) -> float | None:
    return None if size is None else size / _GIB

"""What stands against stopping the machine: trials, checkpoints, uploads, notes."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from pawn_core.checkpoint import CheckpointError, verify
from pawn_core.checkpoint.manifest import by_step, list_checkpoints
from pawn_core.config.weights import REPOSITORY
from pawn_core.run_paths import BACKBONE
from pawn_core.text_path import is_there
from pawn_core.uploads import backlog
from pawn_core.uploads.record import UploadRecord
from pawn_core.uploads.registry import places
from pawn_lab.documents import read_json_object
from pawn_lab.lab import Lab, queries
from pawn_lab.records import Trial
from pawn_lab.states import ACTIVE, ENDED_WELL
from pawn_lab.trial_paths import TrialPaths
from pawn_lab.trials import subjects
from pawn_lab.trials.variants import SINGLE


class Finding(NamedTuple):
    """Something to know before the machine is stopped; `blocks`: to mend first."""

    trial_id: int | None
    text: str
    blocks: bool


class Audit(NamedTuple):
    """The findings, and how many newest checkpoints match their hashes."""

    findings: list[Finding]
    verified: int


def audit(lab: Lab, trials: list[Trial]) -> Audit:
    """Look at trials that no other continues, and read the newest checkpoint of each whole.

    What runs or waits stands against a stop whichever trials were asked about.
    """
    everything = queries.trials(lab)
    continued = {trial.parent for trial in everything}
    superseded = _superseded(lab, everything)
    ended = [trial for trial in trials if trial.state not in ACTIVE]
    newest = [trial for trial in ended if trial.id not in superseded]
    checkpoints = [_checkpoint(lab, trial) for trial in newest]
    findings = [
        *_going_on(lab, everything),
        *(f for trial in ended if trial.id not in continued for f in _schedule(lab, trial)),
        *(finding for finding in checkpoints if isinstance(finding, Finding)),
        *(finding for trial in newest for finding in _uploads(lab, trial)),
        *_notes(lab, trials),
    ]
    ordered = sorted(findings, key=lambda finding: (not finding.blocks, finding.trial_id or 0))
    return Audit(ordered, checkpoints.count(True))


def _going_on(lab: Lab, trials: list[Trial]) -> Iterable[Finding]:
    """Name the trials that run or wait; a lab without any trial may be the wrong one."""
    if not trials:
        yield Finding(None, f"the lab at {lab.paths.root} has no trials", blocks=False)
    for trial in trials:
        if trial.state in ACTIVE:
            held = ", on hold" if trial.on_hold else ""
            yield Finding(trial.id, f"is {trial.state}{held}", blocks=True)


def _superseded(lab: Lab, trials: list[Trial]) -> set[int]:
    """Return the trials that another continues and has saved a later step of."""
    saved = {t.id: max(by_step(lab.paths.trial(t.id).checkpoints), default=-1) for t in trials}
    return {
        trial.parent
        for trial in trials
        if trial.parent is not None and saved[trial.id] > saved[trial.parent]
    }


def _schedule(lab: Lab, trial: Trial) -> Iterable[Finding]:
    """Say where a trial has ended before its last step."""
    paths, at = lab.paths.trial(trial.id), _at(trial)
    step, total = trial.exit.step if trial.exit else None, trial.config.length
    if trial.state not in ENDED_WELL:
        why = f": {trial.exit.message}" if trial.exit and trial.exit.message else ""
        yield Finding(trial.id, f"{trial.state}{at}{why}", blocks=False)
    elif step is None or step < total:
        where = f"{at}{_learning_rate(paths)}"
        yield Finding(trial.id, f"{trial.state}{where}, not resumed", blocks=False)
    else:
        yield from _stopped_alone(trial, paths)


def _at(trial: Trial) -> str:
    """Return how far a trial has got."""
    total, unit = trial.config.length, trial.config.kind.progress.unit
    step = trial.exit.step if trial.exit else None
    return f" before {unit} {total}" if step is None else f" at {unit} {step} of {total}"


def _learning_rate(paths: TrialPaths) -> str:
    """Return the rate that each model ended at, and the one its schedule ends at."""
    rates_by_model = [
        f"{name} {rates}".lstrip()
        for name, health in _schedules(paths).items()
        if (rates := _rates(health))
    ]
    return f" with learning rate {'; '.join(rates_by_model)}" if rates_by_model else ""


def _rates(health: dict[str, Any]) -> str:
    rates = [health.get(name) for name in ("final_lr", "planned_final_lr")]
    if not all(type(rate) is float for rate in rates):
        return ""
    return "{:.3g}, planned to end at {:.3g}".format(*rates)


def _stopped_alone(trial: Trial, paths: TrialPaths) -> Iterable[Finding]:
    """Say which variants ended before the others."""
    for name, health in _schedules(paths).items():
        at, planned = health.get("actual_steps"), health.get("planned_steps")
        if name != SINGLE and health.get("reason") == "patience":
            text = f"variant {name} stopped at step {at} of {planned}: patience"
            yield Finding(trial.id, text, blocks=False)


def _schedules(paths: TrialPaths) -> dict[str, dict[str, Any]]:
    """Return what the trainer says about each model's schedule, by variant."""
    health = read_json_object(paths.schedule_health, paths.outer) or {}
    by_variant = health.get("variants", {SINGLE: health})
    if not isinstance(by_variant, dict):
        return {}
    return {name: schedule for name, schedule in by_variant.items() if isinstance(schedule, dict)}


def _checkpoint(lab: Lab, trial: Trial) -> Finding | bool:
    """Return whether a trial has a newest checkpoint, which is whole; a finding where it must."""
    paths = list_checkpoints(lab.paths.trial(trial.id).checkpoints)
    if not paths:
        missing = Finding(trial.id, f"{trial.state} without a checkpoint", blocks=True)
        return missing if trial.state in ENDED_WELL else False
    try:
        verify(paths[-1])
    except (CheckpointError, OSError) as error:
        return Finding(trial.id, f"checkpoint {paths[-1].name}: {error}", blocks=True)
    return _backbone(lab, trial, paths[-1]) or True


def _backbone(lab: Lab, trial: Trial, checkpoint: Path) -> Finding | None:
    """Say where the weights are gone that an adapter is built on; the hub keeps its own."""
    backbone = read_json_object(checkpoint / BACKBONE) or {}
    path, source = backbone.get("path"), str(backbone.get("source"))
    if not isinstance(path, str) or is_there(path) or REPOSITORY.fullmatch(source):
        return None
    here = subjects.folders(trial.config, lab.paths)  # the workspace may have been moved
    if here and all(map(Path.is_dir, here.values())):
        return None
    text = f"checkpoint {checkpoint.name}: its backbone {source} is not at {path}"
    return Finding(trial.id, text, blocks=True)


def _uploads(lab: Lab, trial: Trial) -> Iterable[Finding]:
    """Say of each destination that the config asks for whether it has the newest and the best."""
    run = lab.paths.trial(trial.id).run
    for name, where in places(trial.config, run).items():
        record = UploadRecord.read(run, name, where)
        matters = backlog.notable(run, model=record.model).in_order
        missing = [path.name for path in matters if not record.holds(path)]
        if missing:
            command = f"python -m pawn_core.uploads {run}"
            text = f"{', '.join(missing)} not uploaded to {where}: {command}"
            yield Finding(trial.id, text, blocks=True)
        elif matters:
            there = " and ".join(path.name for path in matters)
            yield Finding(trial.id, f"{there} uploaded to {where}", blocks=False)


def _notes(lab: Lab, trials: list[Trial]) -> Iterable[Finding]:
    """Ask for notes that are younger than the last end of a trial."""
    ends = [trial.ended_at for trial in trials if trial.ended_at is not None]
    written = lab.paths.notes.stat().st_mtime if lab.paths.notes.exists() else None
    if ends and (written is None or written < max(ends)):
        since = "are none" if written is None else "end before the last trial did"
        yield Finding(None, f"the notes {since}: lab_notes(append=...)", blocks=True)

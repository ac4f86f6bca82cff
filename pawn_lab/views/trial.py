"""A trial's page: how it stands, its config, family, events, checkpoints, provenance and end."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from pawn_core.checkpoint import CheckpointError, verify
from pawn_core.checkpoint.manifest import by_step, finished
from pawn_lab.analysis import differences
from pawn_lab.analysis.evaluated_models import EvaluatedModel, evaluated_models
from pawn_lab.configs import StoredConfig
from pawn_lab.documents import read_json_object
from pawn_lab.errors import NoCheckpointError
from pawn_lab.lab import Lab, families, queries
from pawn_lab.records import Evaluation, Relative, Trial, TrialResult
from pawn_lab.reporting.metrics import of_merit
from pawn_lab.views.board_models import predicts_moves
from pawn_lab.views.overview import event_row, progress_row
from pawn_lab.views.view import View

MOST_RELATIVES = 200
TrialId = Annotated[int, Field(ge=1, description="Trial number.")]


def trial(lab: Lab, trial_id: TrialId) -> dict[str, Any]:
    """Return everything of one trial but its curves, its log and what was found on its weights.

    Raises:
        UnknownTrialError: no such trial.
    """
    own, results = queries.trial(lab, trial_id), queries.results(lab, [trial_id])
    return {
        **_state(lab, own),
        "progress": progress_row(queries.progress(lab, trial_id)),
        "results": [_result(result) for result in results],
        "config": list(_fields(lab, own.config)),
        "strangeness": own.config.strangeness,
        "family": _family(lab, own),
        "events": [event_row(event) for event in queries.events_of(lab, trial_id)[::-1]],
        "checkpoints": _checkpoints(lab, trial_id, results),
        "provenance": read_json_object(lab.paths.trial(trial_id).provenance),
        "exit": own.exit and own.exit.model_dump(),
    }


def evaluations(lab: Lab, trial_id: TrialId) -> dict[str, Any]:
    """Return what eval trials have found on a trial's weights, or it on those of another.

    Raises:
        UnknownTrialError: no such trial.
    """
    queries.trial(lab, trial_id)
    return {"evaluations": [_evaluation(m) for m in evaluated_models(lab, [trial_id])]}


def _state(lab: Lab, own: Trial) -> dict[str, Any]:
    return {
        "id": own.id,
        "state": own.state,
        "tags": own.tags,
        "run_type": own.config["run_type"],
        "predicts_moves": predicts_moves(own.config),
        "hypothesis": own.hypothesis,
        "asked_by": queries.asked_by(lab, own.id),
        "priority": own.priority,
        "device": own.device,
        "created_at": own.created_at,
        "started_at": own.started_at,
        "ended_at": own.ended_at,
        "why_waiting": own.why_waiting,
        "on_hold": own.on_hold,
        "games": own.games and own.games.described(),
        "cost": own.cost,
        "merit": _merit(own),
    }


def _merit(own: Trial) -> dict[str, Any] | None:
    if not own.config.kind.merit.exists:
        return None
    metric = of_merit(own.config.kind)
    return {"metric": metric.name, "title": metric.title, "better": metric.better}


def _result(result: TrialResult) -> dict[str, Any]:
    return {
        "model": result.variant,
        "last": _measured(result.last),
        "best": _measured(result.best),
    }


def _measured(evaluation: Evaluation | None) -> dict[str, Any] | None:
    return None if evaluation is None else evaluation.model_dump()


def _fields(lab: Lab, config: StoredConfig) -> Iterator[dict[str, Any]]:
    """Yield each field of a config as it runs, with its default and what it is.

    chosen: it is neither at its default nor what follows from the others.
    """
    as_run, kind = config.as_run, config.known_kind
    defaults, fields = (kind.defaults(), kind.model_fields) if kind else ({}, {})
    follows = as_run.parsed.follows() if as_run.parsed else {}
    beyond = as_run.beyond_defaults
    without_effect = config.no_effect(lab.on_gpu(config))
    for name, value in as_run.items():
        yield {
            "name": name,
            "value": value,
            "default": defaults.get(name),
            "chosen": name in beyond and value != follows.get(name),
            "about": fields[name].description if name in fields else None,
            "no_effect": without_effect.get(name),
        }


def _family(lab: Lab, own: Trial) -> dict[str, Any]:
    family = families.family(lab, own.id)
    members = _nearest(own, family.members)
    known = {t.id: t for t in queries.selected(lab, [member.id for member in members])}
    return {
        "members": [_relative(member, known) for member in members],
        "left_out": len(family.members) - len(members),
        "launched_with": family.launched_with,
        "sweep": family.sweep,
        "reads": family.reads,
        "read_by": [reader.model_dump() for reader in family.read_by],
    }


def _nearest(own: Trial, members: list[Relative]) -> list[Relative]:
    """Return the members of a family, of a very large one those around the trial."""
    if len(members) <= MOST_RELATIVES:
        return members
    parents = {member.id: member.parent for member in members}
    ancestors, number = set[int](), own.id
    while (number := parents.get(number)) is not None:
        ancestors.add(number)
    near = [m for m in members if m.id in (own.id, *ancestors) or own.id == m.parent]
    siblings = [m for m in members if m.parent == own.parent and m not in near]
    return sorted([*near, *siblings][:MOST_RELATIVES], key=lambda member: member.id)


def _relative(member: Relative, known: dict[int, Trial]) -> dict[str, Any]:
    """Show a member with what its settings have other than its parent's."""
    parent = known.get(member.parent) if member.parent is not None else None
    changed = differences.chosen(parent, known[member.id]) if parent else {}
    return {**member.model_dump(), "changed": changed}


def _checkpoints(lab: Lab, trial_id: int, results: list[TrialResult]) -> list[dict[str, Any]]:
    """Return what is saved, the newest first, and of which models each is the best."""
    folder = lab.paths.trial(trial_id).checkpoints
    try:
        saved, whole = by_step(folder), finished(folder)
    except OSError:
        return []
    return [
        {
            "step": step,
            "bytes": _bytes(path),
            "finished": step in whole,
            "best_of": [r.variant for r in results if r.best and r.best.step == step],
        }
        for step, path in reversed(saved.items())
    ]


def _bytes(folder: Path) -> int:
    """Return the bytes of a checkpoint's files; those that are just being moved aside."""
    total = 0
    for root, _, names in os.walk(folder):
        for name in names:
            try:
                total += (Path(root) / name).lstat().st_size
            except OSError:
                continue
    return total


def _evaluation(model: EvaluatedModel) -> dict[str, Any]:
    return {
        "id": model.trial.id,
        "state": model.trial.state,
        "weights": model.model,
        "sha256": model.found.sha256,
        "complete": model.found.complete,
        "reports": [report.document() for report in model.found.reports],
    }


def checkpoint(lab: Lab, trial_id: TrialId, step: Annotated[int, Field(ge=0)]) -> dict[str, Any]:
    """Check every file of a checkpoint against its hash, now.

    Raises:
        UnknownTrialError: no such trial.
        NoCheckpointError: none of that step.
    """
    unit = queries.trial(lab, trial_id).config.kind.progress.unit
    saved = by_step(lab.paths.trial(trial_id).checkpoints)
    if step not in saved:
        raise NoCheckpointError(
            f"trial {trial_id} has no checkpoint of {unit} {step}; saved: "
            f"{', '.join(map(str, saved)) or 'none'}"
        )
    try:
        manifest = verify(saved[step])
    except (CheckpointError, OSError) as error:
        return {"step": step, "verified": False, "why": _below(str(error), saved[step])}
    return {"step": step, "verified": True, "files": manifest.files}


def _below(message: str, path: Path) -> str:
    """Return a message that names a checkpoint by its folder alone."""
    return message.replace(str(path), path.name)


TRIAL = View(trial, title="One trial")
EVALUATIONS = View(evaluations, title="What was found on a trial's weights")
CHECKPOINT = View(checkpoint, title="A checkpoint's hashes")

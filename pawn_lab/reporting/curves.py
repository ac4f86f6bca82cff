"""Learning curves that follow a trial's lineage: its ancestors up to each resume, then its own."""

from typing import Any

from pawn_core.metrics import read_records
from pawn_lab.lab import Lab
from pawn_lab.records import Trial


def evaluations(lab: Lab, trial_id: int) -> list[dict[str, Any]]:
    """Return the evaluation records of a trial and of what it was resumed from, by step."""
    lineage = _lineage(lab, trial_id)
    records: list[dict[str, Any]] = []
    for trial, child in zip(lineage, [*lineage[1:], None], strict=True):
        until = child.from_step if child else None
        records += [r for r in _own(lab, trial) if until is None or r["step"] <= until]
    return records


def _lineage(lab: Lab, trial_id: int) -> list[Trial]:
    """Return the trial and its ancestors, oldest first."""
    trial = lab.trial(trial_id)
    older = _lineage(lab, trial.parent) if trial.parent is not None else []
    return [*older, trial]


def _own(lab: Lab, trial: Trial) -> list[dict[str, Any]]:
    records, _ = read_records(lab.paths.trial(trial.id).metrics)
    return [record for record in records if record["type"] == "eval"]

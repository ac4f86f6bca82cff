"""What differs between trials beside their settings: code, device model, a processor shared."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from pawn_lab.analysis.curves import Axis
from pawn_lab.analysis.groups import Run
from pawn_lab.documents import read_json_object
from pawn_lab.lab import Lab, queries

_OF_TIME: tuple[Axis, ...] = ("hours", "cost")
_DECIDE = ("torch", "pawn-engine")
"""Packages that, with our own code, decide what a trial computes."""


def warnings(lab: Lab, runs: Sequence[Run], at: Axis) -> list[str]:
    """Say what could be the cause of a difference instead of the settings."""
    ids = sorted({run.id for run in runs})
    records = {trial_id: read_json_object(lab.paths.trial(trial_id).provenance) for trial_id in ids}
    provenances = {trial_id: record for trial_id, record in records.items() if record}
    causes = []
    if len(codes := _by(provenances, _code)) > 1:
        first, second = list(codes.values())[:2]
        causes.append(f"other code: {_listed(codes.values())}; lab_diff({first[0]}, {second[0]})")
    if len(models := _by(provenances, _model)) > 1:
        told = "; ".join(f"{name}: {_ids(group)}" for name, group in models.items())
        causes.append(f"other device models: {told}")
    if at in _OF_TIME and (shared := queries.shared_processor(lab, ids)):
        causes.append(f"{_ids(shared)} shared the processor with other trials, which costs time")
    return causes


def _by(records: dict[int, Any], what: Callable[[Any], str]) -> dict[str, list[int]]:
    """Return the trials by what their records say."""
    trials: dict[str, list[int]] = {}
    for trial_id, record in records.items():
        trials.setdefault(what(record), []).append(trial_id)
    return trials


def _code(record: dict[str, Any]) -> str:
    packages = record.get("packages") or {}
    return repr([record.get("code_sha256"), *(packages.get(name) for name in _DECIDE)])


def _model(record: dict[str, Any]) -> str:
    name = str(record.get("device_name"))
    return "CPU" if name.startswith("CPU slot") else name


def _ids(trials: Iterable[int]) -> str:
    return ", ".join(map(str, trials))


def _listed(groups: Iterable[list[int]]) -> str:
    return " against ".join(_ids(group) for group in groups)

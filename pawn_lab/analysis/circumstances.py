"""What differs between trials beside their settings: code, device model, a processor shared."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from pawn_lab.analysis.curves import Axis
from pawn_lab.analysis.groups import Run
from pawn_lab.documents import read_json_object
from pawn_lab.lab import Lab

_OF_TIME: tuple[Axis, ...] = ("hours", "cost")
_DECIDE = ("torch", "pawn-engine")
"""Packages that, with our own code, decide what a trial computes."""


def warnings(lab: Lab, runs: Sequence[Run], at: Axis) -> list[str]:
    """Say what could be the cause of a difference instead of the settings."""
    ids = sorted({run.id for run in runs})
    records = {each: read_json_object(lab.paths.trial(each).provenance) for each in ids}
    known = {each: record for each, record in records.items() if record}
    found = []
    if len(codes := _by(known, _code)) > 1:
        first, second = list(codes.values())[:2]
        found.append(f"other code: {_listed(codes.values())}; lab_diff({first[0]}, {second[0]})")
    if len(models := _by(known, _model)) > 1:
        told = "; ".join(f"{name}: {_ids(each)}" for name, each in models.items())
        found.append(f"other device models: {told}")
    if at in _OF_TIME and (shared := lab.shared_processor(ids)):
        found.append(f"{_ids(shared)} shared the processor with other trials, which costs time")
    return found


def _by(records: dict[int, Any], what: Callable[[Any], str]) -> dict[str, list[int]]:
    """Return the trials by what their records say."""
    found: dict[str, list[int]] = {}
    for trial_id, record in records.items():
        found.setdefault(what(record), []).append(trial_id)
    return found


def _code(record: dict[str, Any]) -> str:
    packages = record.get("packages") or {}
    return repr([record.get("code_sha256"), *(packages.get(name) for name in _DECIDE)])


def _model(record: dict[str, Any]) -> str:
    name = str(record.get("device_name"))
    return "CPU" if name.startswith("CPU slot") else name


def _ids(trials: Iterable[int]) -> str:
    return ", ".join(map(str, trials))


def _listed(groups: Iterable[list[int]]) -> str:
    return " against ".join(_ids(each) for each in groups)

"""Whether a running trial is well, from the end of its metrics stream."""

import statistics
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from pawn_core.config import RunConfig, TrainingConfig
from pawn_core.metrics import TRAIN
from pawn_lab.documents import read_json_object
from pawn_lab.shim.rules import Losses
from pawn_lab.text import clean
from pawn_lab.trial_paths import TrialPaths

Record = dict[str, Any]

WELL = "ok"
STARTING = "starting"
SILENT = "silent"
_IMPORT = "import"
LONGEST_S = {
    _IMPORT: 180.0,
    "preflight": 300.0,
    "games": 300.0,
    "build": 300.0,
    "first batch": 180.0,
    "compile": 900.0,
    "first step": 300.0,
    "first steps": 900.0,
    "first evaluation": 600.0,
}
"""How long each phase of a trainer's start may take before it counts as silent.

One that tells how far it is may take any time, and is silent where it tells nothing more.
"""

_MOST_NOTE_CHARACTERS = 120

SILENT_S = 120.0
SILENT_INTERVALS = 10
"""A trial is silent after this many of its usual intervals between records, and `SILENT_S`."""

RECENT_LOSSES = 5
CLIMB_FACTOR = 1.1
"""The loss climbs while so many records are all a tenth over the lowest median of as many."""

MOST_DATA_WAIT = 0.3

TRIES = 5
"""Uploads fail once one was refused, or so many tries in a row came to nothing."""


class Phase(NamedTuple):
    """What a trainer is at before its records tell it, and since when."""

    name: str
    since: float
    note: str = ""
    """How far it is."""
    told: float | None = None
    """When it last said so."""

    def describe(self, now: float) -> str:
        """Return `starting: compile, 95 s`, or that it is silent once that takes too long."""
        state = STARTING if self.goes_on(now) else SILENT
        note = f", {self.note}" if self.note else ""
        return f"{state}: {self.name}, {max(0.0, now - self.since):.0f} s{note}"

    def goes_on(self, now: float) -> bool:
        """Say whether it has not taken, or said nothing for, too long yet."""
        if self.told is not None:
            return now - self.told <= SILENT_S
        return now - self.since <= LONGEST_S[self.name]

    def is_later(self, records: Sequence[Record]) -> bool:
        """Say whether it began after the latest record; whoever writes one has imported."""
        return self.name != _IMPORT and self.since >= records[-1]["time"]


def phase_of(paths: TrialPaths, started_at: float | None, now: float) -> Phase | None:
    """Return the phase that a trainer told last; before the first it imports."""
    if started_at is None:
        return None
    document = read_json_object(paths.phase, paths.outer) or {}
    name, since = document.get("phase"), document.get("since")
    if not (isinstance(name, str) and name in LONGEST_S and isinstance(since, int | float)):
        return Phase(_IMPORT, started_at)
    if not started_at <= since <= now:
        return Phase(_IMPORT, started_at)
    note, told = document.get("note"), document.get("told")
    if not (isinstance(note, str) and isinstance(told, int | float) and since <= told <= now):
        return Phase(name, since)
    return Phase(name, since, clean(note)[:_MOST_NOTE_CHARACTERS], told)


def is_trouble(ailment: str | None) -> bool:
    """Say whether somebody should look after a trial of that health."""
    return ailment is not None and ailment != WELL and not ailment.startswith(STARTING)


def health(
    records: Sequence[Record],
    now: float,
    phase: Phase | None = None,
    kind: type[RunConfig] = TrainingConfig,
) -> str:
    """Return `ok`, `starting` with its phase and age, or what is wrong; worst first.

    `kind` says which records come from the start on, and whether the loss should fall.
    """
    paces = [record for record in records if record["type"] == kind.paced_by]
    if not paces:
        return STARTING if phase is None else phase.describe(now)
    by_model: dict[str | None, list[float | None]] = {}
    for record in records:
        if record["type"] == TRAIN and "loss" in record:
            by_model.setdefault(record.get("variant"), []).append(record.get("loss"))
    for name, losses in by_model.items():
        if losses[-1] is None:
            return _of(name, "loss not finite")
    if phase is not None and phase.is_later(records):
        return WELL if phase.goes_on(now) else phase.describe(now)
    if is_silent(records, now):
        return SILENT
    for name, losses in by_model.items():
        if kind.loss_falls and _climbs([loss for loss in losses if loss is not None]):
            return _of(name, "loss climbs")
    if uploads_fail(records):
        return "uploads fail"
    waited = data_wait(paces[-1])
    return "waits for data" if waited is not None and waited > MOST_DATA_WAIT else WELL


def _of(variant: str | None, ailment: str) -> str:
    return ailment if variant is None else f"{variant}: {ailment}"


def uploads_fail(records: Sequence[Record]) -> bool:
    """Say whether the latest word of any destination is that a checkpoint did not get there."""
    latest = {
        str(record.get("destination")): record
        for record in records
        if str(record.get("event")).startswith("upload_")
    }
    return any(_tells_of_failure(record) for record in latest.values())


def _tells_of_failure(record: Record) -> bool:
    failures = record.get("failures")
    often = isinstance(failures, int) and failures >= TRIES
    return record["event"] == "upload_failed" or (record["event"] == "upload_retried" and often)


def data_wait(train: Record | None) -> float | None:
    """Return the share of a step that was spent waiting for data."""
    waited, step = ((train or {}).get(name) for name in ("data_wait_s", "step_s"))
    return waited / step if waited is not None and step else None


def is_silent(records: Sequence[Record], now: float) -> bool:
    """Say whether nothing was written for much longer than usual."""
    times = [record["time"] for record in records if record.get("time") is not None]
    if not times:
        return False
    usual = statistics.median(b - a for a, b in pairwise(times)) if len(times) > 1 else 0.0
    return now - times[-1] > max(SILENT_S, SILENT_INTERVALS * usual)


def _climbs(losses: list[float]) -> bool:
    course = Losses(RECENT_LOSSES)
    climbs = [course.after(loss, CLIMB_FACTOR) for loss in losses]
    return bool(climbs) and climbs[-1] is not None

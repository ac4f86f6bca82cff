"""Whether a running trial is well, from the end of its metrics stream."""

import statistics
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

Record = dict[str, Any]

WELL = "ok"
SILENT_S = 120.0
SILENT_INTERVALS = 10
"""A trial is silent after this many of its usual intervals between records, and `SILENT_S`."""

WINDOW = 5
CLIMB = 0.1
"""The loss climbs when the mean of its last `WINDOW` records is a tenth over their lowest mean."""

MOST_DATA_WAIT = 0.3

TRIES = 5
"""Uploads fail once one was refused, or so many tries in a row came to nothing."""


def health(records: Sequence[Record], now: float) -> str:
    """Return `ok`, `starting`, or what is wrong; worst first."""
    train = [record for record in records if record["type"] == "train"]
    if not train:
        return "starting"
    by_model: dict[str | None, list[float | None]] = {}
    for record in train:
        by_model.setdefault(record.get("variant"), []).append(record.get("loss"))
    for name, losses in by_model.items():
        if losses[-1] is None:
            return _of(name, "loss not finite")
    if is_silent(records, now):
        return "silent"
    for name, losses in by_model.items():
        if _climbs([loss for loss in losses if loss is not None]):
            return _of(name, "loss climbs")
    if uploads_fail(records):
        return "uploads fail"
    waited = data_wait(train[-1])
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
    means = [statistics.fmean(losses[i : i + WINDOW]) for i in range(len(losses) - WINDOW + 1)]
    return len(means) > WINDOW and means[-1] > (1 + CLIMB) * min(means)

"""Seconds from the launch of a trainer to its first step, cold and with compiled code cached."""

import json
import shutil
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from gpu_bench.children import Answer, Place, process
from pawn_core.metrics import read_records
from pawn_core.run_paths import RunPaths

TRIES = ("cold", "warm")


def starts(job: Mapping[str, Any], place: Place, cache: str, limit_s: float) -> Iterator[Answer]:
    """Yield the seconds of a start without compiled code, then of another that finds it.

    Each is a whole run of two steps, validation games and all; the first record's time counts,
    which waits for the device.
    """
    seconds, deadline = dict[str, float](), time.monotonic() + limit_s
    events = dict[str, Any]()
    for attempt in TRIES:
        run_dir = place.folder / f"{cache}-{attempt}"
        argv = trainer(job["fields"] | _SHORT, run_dir)
        log = place.folder / f"{cache}.log"
        begin = time.time()
        left = max(1.0, deadline - time.monotonic())
        with process(argv, place.environment(cache), log, left) as running:
            running.wait()
        records = records_of(run_dir)
        first = next((r["time"] for r in records if r["type"] == "train"), None)
        if first is None:
            yield {"failed": f"failed: {attempt}: no first step; see {log.name}"}
            return
        seconds[attempt] = first - begin
        events[attempt] = [r for r in records if r.get("event") == "compiled"]
    yield {"start_s": seconds, "compiled": events}


_SHORT = {"total_steps": 2, "log_interval": 1, "warmup_steps": 0}


def trainer(fields: Mapping[str, Any], run_dir: Path) -> list[str]:
    """Return the command of a trainer; its folder is emptied first."""
    shutil.rmtree(run_dir, ignore_errors=True)
    config = run_dir.with_suffix(".json")
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text(json.dumps(dict(fields)), encoding="utf-8")
    return [sys.executable, "-m", "gpu_bench.trainer", str(config), str(run_dir)]


def records_of(run_dir: Path) -> list[dict[str, Any]]:
    """Return the records that a run has written so far."""
    stream = RunPaths(run_dir).metrics
    return read_records(stream)[0] if stream.exists() else []

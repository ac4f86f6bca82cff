"""What a trainer is at before its records tell it, for whoever watches. Never imports torch.

`phase.json` in the run's folder: `{"phase": "compile", "since": unix seconds}`, and of a phase that
tells how far it is `note` and `told`, when it did last. Each phase is told the first time that it
begins, those of a resumed run too. Before the first, the trainer imports; a run that has ended has
none.
"""

import contextlib
import json
import os
import time
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

from pawn_core.run_paths import RunPaths

Phase = Literal[
    "preflight",
    "games",
    "build",
    "first batch",
    "compile",
    "first step",
    "first steps",
    "first evaluation",
]


class Phases:
    """The phases of a run that have begun."""

    def __init__(self, run_dir: Path | None = None) -> None:
        """Tell them in the run's folder; None, in a process that only follows another: nowhere."""
        self._file = run_dir and RunPaths(run_dir).phase
        self._begun: dict[Phase, float] = {}

    def begin(self, phase: Phase) -> None:
        """Tell that a phase begins, if it never did before."""
        if phase not in self._begun:
            self._begun[phase] = time.time()
            self._write({})

    @property
    def seconds(self) -> dict[str, float]:
        """Return how long each phase took that is over; `start`: what came before the first."""
        begun = {"start": _process_began(), **self._begun}
        spans = zip(begun, pairwise(begun.values()), strict=False)
        return {name: round(max(0.0, end - begin), 2) for name, (begin, end) in spans}

    def tell(self, note: str) -> None:
        """Say how far the latest phase is: a sign of life of one that takes long."""
        self._write({"note": note, "told": time.time()})

    def _write(self, further: dict[str, Any]) -> None:
        if self._file is None or not self._begun:
            return
        phase, since = next(reversed(self._begun.items()))
        document = json.dumps({"phase": phase, "since": since} | further)
        with contextlib.suppress(OSError):  # no run ends for want of it
            _replace(self._file, document.encode() + b"\n")

    def end(self) -> None:
        """Leave nothing of them behind."""
        if self._file is not None:
            self._file.unlink(missing_ok=True)


def _process_began() -> float:
    """Return when this process began, in Unix seconds; proc_pid_stat(5)."""
    fields = Path("/proc/self/stat").read_text("utf-8").rpartition(")")[2].split()
    booted = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
    return booted + int(fields[19]) / os.sysconf("SC_CLK_TCK")


def _replace(path: Path, data: bytes) -> None:
    """Replace a file in one step, and leave it to the system when it reaches the disk."""
    partial = path.with_suffix(".partial")
    partial.write_bytes(data)
    partial.replace(path)

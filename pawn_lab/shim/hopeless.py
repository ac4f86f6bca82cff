"""The rule against a trial that is expected to end worse than another. Standard library only.

What is to be expected takes the lab's database and the curves of other trials, so a process of its
own finds out, `pawn_lab.analysis.early_stop`: at a new evaluation, now and then. It leaves its
finding in a file.
"""

import contextlib
import os
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pawn_lab.documents import read_json_object
from pawn_lab.paths import TrialPaths
from pawn_lab.shim import environment
from pawn_lab.shim.places import name_now
from pawn_lab.shim.tail import Record

FINDER = "pawn_lab.analysis.early_stop"


class Hopeless:
    """Whether a trial's forecast lies wholly above what a comparable trial has reached."""

    def __init__(self, paths: TrialPaths, workspace: Path, every_s: float | None) -> None:
        self._paths = paths
        self._workspace = workspace
        self._every_s = every_s
        self._due = False
        self._looked_at = -float("inf")

    def evidence(self, records: Iterable[Record]) -> dict[str, Any] | None:
        """Take note of new records; return the numbers once the rule holds, else None."""
        if self._every_s is None:
            return None
        self._due = self._due or any(record.get("type") == "eval" for record in records)
        if self._due and time.monotonic() >= self._looked_at + self._every_s:
            self._due, self._looked_at = False, time.monotonic()
            self._look()
        return self._found()

    def _look(self) -> None:
        """Start a process that finds out; the trial's lock and token do not reach it."""
        trial, workspace = name_now(self._paths.root), name_now(self._workspace)
        argv = [sys.executable, "-P", "-m", FINDER, workspace, trial]
        with contextlib.suppress(OSError):  # no process can be had now: at the next evaluation
            os.posix_spawn(sys.executable, argv, environment.without_trial(), setsigmask=())

    def _found(self) -> dict[str, Any] | None:
        finding = read_json_object(self._paths.finding) or {}
        evidence = finding.get("evidence")
        if finding.get("stop") is not True or not isinstance(evidence, dict):
            return None
        return {n: value for n, value in evidence.items() if isinstance(value, int | float)}

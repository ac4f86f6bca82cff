"""What stops a trial: limits of time, the budget, a loss that climbs, a forecast without hope.

Standard library only.
"""

import contextlib
import os
import statistics
import sys
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pawn_core.metrics import MOST_NAME_CHARACTERS, TRAIN, number
from pawn_lab.clock import Moment
from pawn_lab.documents import read_json_object, write_json
from pawn_lab.shim import environment
from pawn_lab.shim.places import name_now
from pawn_lab.shim.tail import Record
from pawn_lab.trial_paths import TrialPaths

FORECAST_EVERY_S = 60.0
FINDER = "pawn_lab.analysis.early_stop"
LOSSES = 20
"""Train records whose median counts: one bad batch is no divergence."""
MOST_VARIANTS = 100
_SAME_MOMENT_S = 0.5


@dataclass(frozen=True)
class Limits:
    """When a trainer is stopped, in seconds; None: never."""

    wall_clock_s: float | None = None
    no_progress_s: float | None = 7200.0  # a long compilation takes half an hour
    grace_s: float = 30.0  # between SIGTERM and SIGKILL
    divergence_factor: float | None = 2.0  # of recent training losses over the lowest before
    forecast_every_s: float | None = None  # at least, between looks at what it will end with


class Growth:
    """How long a trainer has given no sign of progress: a metrics record, or word of its phase."""

    def __init__(self, paths: TrialPaths) -> None:
        self._files = paths.metrics, paths.phase
        self._seen = [0, 0]
        self._since = time.monotonic()

    def idle_s(self) -> float:
        """Return the seconds since it last gave one."""
        seen = [_size(self._files[0]), _written_at(self._files[1])]
        if seen != self._seen:
            self._seen, self._since = seen, time.monotonic()
        return time.monotonic() - self._since


def _size(file: Path) -> int:
    with contextlib.suppress(OSError):
        return file.stat().st_size
    return 0


def _written_at(file: Path) -> int:
    with contextlib.suppress(OSError):
        return file.stat().st_mtime_ns
    return 0


class BudgetStop:
    """The moment at which the lab's budget will be spent, as scheduler passes write it."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def at(self) -> float | None:
        """Return it in Unix seconds; None where there is no budget, or none that can be read.

        A wall clock that was set since then moves it along.
        """
        record, now = read_json_object(self._file) or {}, Moment.at(time.time())
        at, written = record.get("at"), _moment(record.get("written"))
        if not isinstance(at, int | float):
            return None
        return at if written is None else now.wall + at - written.wall - written.until(now)

    def write(self, at: float | None) -> None:
        """Write the moment where it has changed."""
        known = self.at()
        if known is None and at is None:
            return
        if known is None or at is None or abs(known - at) > _SAME_MOMENT_S:
            write_json(self._file, {"at": at, "written": Moment.at(time.time())._asdict()})


def _moment(value: Any) -> Moment | None:
    try:
        return Moment(float(value["wall"]), str(value["boot"]), float(value["uptime"]))
    except (TypeError, ValueError, KeyError, OverflowError):
        return None


class Divergence:
    """Whether the loss of a model has climbed far above what it had reached, and stays there.

    The variants of a cotraining run are models of their own.
    """

    def __init__(self, factor: float | None) -> None:
        self._factor = factor
        self._models: dict[str, Losses] = {}

    def evidence(self, records: Iterable[Record]) -> dict[str, Any] | None:
        """Take note of new records; return the numbers once the rule holds, else None."""
        if self._factor is None:
            return None
        for name, step, loss in filter(None, map(_train, records)):
            if name not in self._models and len(self._models) == MOST_VARIANTS:
                continue
            model = self._models.setdefault(name, Losses())
            climb = model.after(loss, self._factor)
            if climb is not None:
                variant = {"variant": name} if name else {}
                return variant | {"step": step} | climb | {"factor": self._factor}
        return None


class Losses:
    """The training losses of one model: a number of recent ones and the lowest median before.

    They climb while every recent one is over the lowest median by a factor.
    """

    def __init__(self, count: int = LOSSES) -> None:
        self._recent: deque[float] = deque(maxlen=count)
        self._lowest: float | None = None

    def after(self, loss: float, factor: float) -> dict[str, float] | None:
        """Take note of a loss; return the medians while the losses climb."""
        self._recent.append(loss)
        if len(self._recent) < (self._recent.maxlen or 0):
            return None
        median = statistics.median(self._recent)
        self._lowest = median if self._lowest is None else min(median, self._lowest)
        if self._lowest <= 0 or min(self._recent) <= factor * self._lowest:
            return None  # of a loss that is not positive no factor tells anything
        return {"median_loss": median, "lowest_median": self._lowest}


def _train(record: Record) -> tuple[str, int, float] | None:
    """Return variant, step and loss of a train record."""
    step, loss, name = record.get("step"), number(record.get("loss")), record.get("variant", "")
    if record.get("type") != TRAIN or not isinstance(name, str):
        return None
    if type(step) is not int or loss is None:
        return None
    return name[:MOST_NAME_CHARACTERS], step, float(loss)


class Hopeless:
    """Whether a trial's forecast lies wholly above what a comparable trial has reached.

    That takes the lab's database and the curves of other trials, so a process of its own finds
    out, `pawn_lab.analysis.early_stop`: at a new evaluation, now and then. It leaves its finding in
    a file.
    """

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

"""When a shim stops its trainer. Standard library only."""

import contextlib
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pawn_lab.clock import Moment
from pawn_lab.documents import read_json_object, write_json

FORECAST_EVERY_S = 60.0
_SAME_MOMENT_S = 0.5


@dataclass(frozen=True)
class Limits:
    """When a trainer is stopped, in seconds; None: never."""

    wall_clock_s: float | None = None
    no_progress_s: float | None = 7200.0  # a long compilation takes half an hour
    grace_s: float = 30.0  # between SIGTERM and SIGKILL
    divergence_factor: float | None = 2.0  # of recent training losses over the lowest before
    forecast_every_s: float | None = None  # at least, between looks at what it will end with


class Progress:
    """How long the metrics stream has not grown."""

    def __init__(self, metrics: Path) -> None:
        self._metrics = metrics
        self._size = 0
        self._since = time.monotonic()

    def idle_s(self) -> float:
        """Return the seconds since the stream last grew."""
        with contextlib.suppress(OSError):
            size = self._metrics.stat().st_size
            if size != self._size:
                self._size, self._since = size, time.monotonic()
        return time.monotonic() - self._since


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

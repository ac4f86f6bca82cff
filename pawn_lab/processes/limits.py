"""The rules by which a shim stops its trainer, and the evidence for each. Standard library only."""

import contextlib
import json
import statistics
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path

from pawn_lab.documents import read_json_object

LOSSES = 20
"""Train records whose median counts: one bad batch is no divergence."""

_MOST_BYTES_A_LOOK = 1 << 20


@dataclass(frozen=True)
class Limits:
    """When a trainer is stopped, in seconds; None: never."""

    wall_clock_s: float | None = None
    no_progress_s: float | None = 7200.0  # a long compilation takes half an hour
    grace_s: float = 30.0  # between SIGTERM and SIGKILL
    divergence_factor: float | None = 2.0  # of recent training losses over the lowest before


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
        """Return it in Unix seconds; None where there is no budget, or none that can be read."""
        try:
            at = (read_json_object(self._file) or {}).get("at")
        except (OSError, ValueError):
            return None
        return at if isinstance(at, int | float) else None


class Divergence:
    """Whether the training loss has climbed far above what it had reached, and stays there."""

    def __init__(self, metrics: Path, factor: float | None) -> None:
        self._metrics = metrics
        self._factor = factor
        self._offset = 0
        self._recent: deque[float] = deque(maxlen=LOSSES)
        self._lowest: float | None = None

    def evidence(self) -> dict[str, float] | None:
        """Read what was logged since; return the numbers once the rule holds, else None."""
        if self._factor is None:
            return None
        for step, loss in self._new_losses():
            self._recent.append(loss)
            if len(self._recent) < LOSSES:
                continue
            median = statistics.median(self._recent)
            self._lowest = median if self._lowest is None else min(median, self._lowest)
            if min(self._recent) > self._factor * self._lowest:
                return {
                    "step": step,
                    "median_loss": median,
                    "lowest_median": self._lowest,
                    "factor": self._factor,
                }
        return None

    def _new_losses(self) -> list[tuple[int, float]]:
        """Return step and loss of the train records in the next stretch of whole lines."""
        try:
            with self._metrics.open("rb") as file:
                file.seek(self._offset)
                data = file.read(_MOST_BYTES_A_LOOK)
        except OSError:
            return []
        whole = data.rfind(b"\n") + 1
        if not whole and len(data) == _MOST_BYTES_A_LOOK:
            whole = len(data)  # a line over any sensible length is passed over
        self._offset += whole
        found = (_loss(line) for line in data[:whole].splitlines())
        return [each for each in found if each is not None]


def _loss(line: bytes) -> tuple[int, float] | None:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(record, dict) or record.get("type") != "train":
        return None
    step, loss = record.get("step"), record.get("loss")
    if not isinstance(step, int) or not isinstance(loss, int | float):
        return None
    return step, float(loss)

"""How fast trials go, from those that ran before on devices of the same kind."""

import math
import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from pawn_lab.configs import StoredConfig
from pawn_lab.executors.executor import Device
from pawn_lab.paths import WorkspacePaths
from pawn_lab.store import Transaction, leases, trials
from pawn_lab.store.rows import TrialRow
from pawn_lab.trials import streams
from pawn_lab.trials.summaries import Summary

MOST_COMPARABLE = 10
"""The newest so many comparable trials count: code and drivers change."""


FEWEST_FOR_P90 = 10
"""Of fewer trials the 90th percentile is their worst one, and is called so."""


class Quantiles(NamedTuple):
    """The middle and the bad end of a quantity, over `count` trials."""

    p50: float
    high: float
    count: int


class Pace(NamedTuple):
    """Seconds of one trial: before its first step, and for each step with all that goes with it."""

    startup_s: float
    step_s: float

    def duration_s(self, steps: int) -> float:
        """Return how long so many steps take."""
        return self.startup_s + steps * self.step_s


class History(NamedTuple):
    """The paces of comparable trials, newest first, and the most device memory they took."""

    paces: list[Pace]
    memory_bytes: int | None

    def step_s(self) -> Quantiles | None:
        """Return the seconds per step; None where nothing is known."""
        return quantiles([pace.step_s for pace in self.paces])

    def duration_s(self, steps: int) -> Quantiles | None:
        """Return the seconds for so many steps, start included; None where nothing is known."""
        return quantiles([pace.duration_s(steps) for pace in self.paces])


class Comparables:
    """The trials that ran on devices like these, by what decides the cost of a step."""

    def __init__(
        self, tx: Transaction, workspace: WorkspacePaths, devices: Sequence[Device]
    ) -> None:
        models = {device.id: model(device) for device in devices}
        held = {lease.trial_id: lease.device for lease in leases.history(tx)}
        self._workspace = workspace
        self._known: dict[str, History] = {}
        self._rows: dict[str, list[TrialRow]] = defaultdict(list)
        for row in reversed(trials.select(tx)):
            if held.get(row.id) in models:
                self._rows[_cost_key(row.config)].append(row)

    def history(self, config: StoredConfig) -> History:
        """Return what is known of trials whose step costs the same, newest first."""
        key = _cost_key(config)
        if key not in self._known:
            self._known[key] = _history(self._rows[key], self._workspace)
        return self._known[key]

    def duration_s(self, config: StoredConfig, from_step: int | None) -> Quantiles | None:
        """Return the device-time from a step to the trial's next stop; None without history."""
        return self.history(config).duration_s(max(0, config.target - (from_step or 0)))


def _history(rows: Iterable[TrialRow], workspace: WorkspacePaths) -> History:
    paces: list[Pace] = []
    memory: list[int] = []
    for row in rows:
        kind = row.config.kind
        summary = streams.summary(workspace.trial(row.id), kind.merit)
        if (pace := _pace(row, _timed(summary, kind.paced_by))) is not None:
            paces.append(pace)
            memory += [summary.shown.memory] if summary.shown.memory else []
        if len(paces) == MOST_COMPARABLE:
            break
    return History(paces, max(memory, default=None))


def model(device: Device) -> str:
    """Return what makes devices alike: CPU, or the name of the GPU."""
    return device.name if device.kind == "gpu" else device.kind


def quantiles(values: Sequence[float]) -> Quantiles | None:
    """Return median and 90th percentile (nearest rank), of few the highest; None without values."""
    if not values:
        return None
    ordered = sorted(values)
    high = ordered[math.ceil(0.9 * len(ordered)) - 1]
    return Quantiles(statistics.median(ordered), high, len(ordered))


def devices_needed(config: Mapping[str, Any]) -> int:
    """Return how many devices a trial of this config holds at once."""
    return config.get("gpus", 1)


def _cost_key(config: StoredConfig) -> str:
    return repr([(name, config.get(name)) for name in sorted(config.kind.pace_fields)])


def _timed(summary: Summary, of_type: str) -> list[dict[str, Any]]:
    return [r for r in summary.records if r["type"] == of_type and r["time"] is not None]


def _pace(row: TrialRow, records: list[dict[str, Any]]) -> Pace | None:
    """Return a trial's pace; evaluations and saves between its records count as part of steps."""
    if len(records) < 2 or row.started_at is None:
        return None
    first, last = records[0], records[-1]
    steps, seconds = last["step"] - first["step"], last["time"] - first["time"]
    if steps <= 0 or seconds <= 0:
        return None
    step_s = seconds / steps
    before = first["time"] - row.started_at - step_s * (first["step"] - (row.from_step or 0))
    return Pace(max(0.0, before), step_s)

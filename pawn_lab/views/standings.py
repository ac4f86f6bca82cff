"""How far a model of a trial is, and its last and best value of the metric of merit.

What a stream had shown at the last look is remembered as long as the stream does not change.
"""

import threading
from collections import OrderedDict
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pawn_core.config import RunConfig
from pawn_core.config.facts import Merit
from pawn_lab.trial_paths import TrialPaths
from pawn_lab.trials import measurements, streams
from pawn_lab.trials.columns import Points
from pawn_lab.views.view import rounded

MOST_REMEMBERED = 20_000
_PACED = 20
"""Records over which the pace is taken."""

Place = tuple[Path, str, Merit]
State = tuple[int, ...]


class ModelStanding(NamedTuple):
    """The last step of a model, and its last and best value with their steps."""

    step: int | None = None
    last: float | None = None
    last_step: int | None = None
    best: float | None = None
    best_step: int | None = None


_lock = threading.Lock()
_LATEST: OrderedDict[Place, tuple[State, ModelStanding]] = OrderedDict()


def remembered(paths: TrialPaths, merit: Merit, model: str) -> ModelStanding | None:
    """Return the standing of a model whose stream did not change since it was last looked at."""
    state = streams.state_of(paths.metrics)
    if state is None:
        return None if paths.metrics.exists() else ModelStanding()
    with _lock:
        before, latest = _LATEST.get((paths.metrics, model, merit), (None, None))
    return latest if before == state else None


def standing(paths: TrialPaths, merit: Merit, model: str) -> ModelStanding:
    """Return the standing of a model by its stream."""
    if known := remembered(paths, merit, model):
        return known
    state = streams.state_of(paths.metrics)
    latest = _read(paths, merit, model)
    if state is not None and state == streams.state_of(paths.metrics):
        with _lock:
            _LATEST[paths.metrics, model, merit] = state, latest
            while len(_LATEST) > MOST_REMEMBERED:
                _LATEST.popitem(last=False)
    return latest


def _read(paths: TrialPaths, merit: Merit, model: str) -> ModelStanding:
    step = measurements.latest(paths).last_step(model)
    if not merit.exists:
        return ModelStanding(step)
    found = measurements.points(paths, "eval", model, [merit.metric])[merit.metric]
    known = found.at(~np.isnan(found.value))
    if not len(known.value):
        return ModelStanding(step)
    best = int(np.argmin(merit.sign * known.value))
    return ModelStanding(step, *_value_and_step(known, -1), *_value_and_step(known, best))


def _value_and_step(points: Points, at: int) -> tuple[float, int]:
    return rounded(float(points.value[at])), int(points.step[at])


def seconds_left(paths: TrialPaths, kind: type[RunConfig], model: str, target: int) -> float | None:
    """Return the time that a running trial needs to its target at its latest pace."""
    latest = measurements.moments(paths, model, [kind.paced_by]).at(slice(-_PACED, None))
    if len(latest.step) < 2 or latest.time[-1] <= latest.time[0]:
        return None
    pace = (latest.step[-1] - latest.step[0]) / (latest.time[-1] - latest.time[0])
    return float(max(0.0, target - latest.step[-1]) / pace) if pace > 0 else None

"""The points of a sweep that are known beforehand: every one of a grid, or random ones."""

import itertools
import json
import math
import random
from typing import Any, NamedTuple

from pawn_lab.errors import InvalidRequestError
from pawn_lab.sweeps.plan import MOST_TRIALS, Range, SweepPlan


class PlannedPoint(NamedTuple):
    """What a point changes in the plan's config, and to which arm it belongs."""

    arm: int
    overrides: dict[str, Any]


def points(plan: SweepPlan) -> list[PlannedPoint]:
    """Return all points of a grid or random plan, arm by arm; none of TPE, which asks later.

    Of points that come to the same run only the first is one.

    Raises:
        InvalidRequestError: there are too many, or one is a config that would be refused.
    """
    return [members[0] for members in by_run(plan)]


def by_run(plan: SweepPlan) -> list[list[PlannedPoint]]:
    """Return the points of a grid or random plan, those together that come to the same run.

    Raises:
        InvalidRequestError: there are too many, or one is a config that would be refused.
    """
    for overrides in known_overrides(plan):
        plan.resolved(overrides)
    runs: dict[str, list[PlannedPoint]] = {}
    for point in _points(plan):
        run = json.dumps(plan.resolved(point.overrides).settings(), sort_keys=True)
        runs.setdefault(run, []).append(point)
    return list(runs.values())


def known_overrides(plan: SweepPlan) -> list[dict[str, Any]]:
    """Return what each point changes; of TPE, the ends between which it will choose.

    Raises:
        InvalidRequestError: there are too many.
    """
    check_count(plan)
    if plan.method == "tpe":
        return _corners(plan)
    return [point.overrides for point in _points(plan)]


def _points(plan: SweepPlan) -> list[PlannedPoint]:
    if plan.method == "tpe":
        return []
    chosen = _grid(plan) if plan.method == "grid" else _random(plan)
    return [PlannedPoint(n, arm | own) for n, arm in enumerate(plan.arms) for own in chosen]


def check_count(plan: SweepPlan) -> None:
    """Refuse a plan of too many trials.

    Raises:
        InvalidRequestError: says how many.
    """
    values = [len(v) for v in plan.space.values() if isinstance(v, list)]
    count_of_arm = math.prod(values) if plan.method == "grid" else plan.points or 0
    count = count_of_arm * len(plan.arms) * plan.seeds
    if count > MOST_TRIALS:
        raise InvalidRequestError(
            f"{count} trials are too many for a sweep; allowed: {MOST_TRIALS}"
        )


def _grid(plan: SweepPlan) -> list[dict[str, Any]]:
    lists = [values for values in plan.space.values() if isinstance(values, list)]
    return [dict(zip(plan.space, values, strict=True)) for values in itertools.product(*lists)]


def _random(plan: SweepPlan) -> list[dict[str, Any]]:
    rng = random.Random(plan.sampler_seed)
    return [
        {name: _draw(values, rng) for name, values in plan.space.items()}
        for _ in range(plan.points or 0)
    ]


def _draw(values: list[Any] | Range, rng: random.Random) -> Any:
    if isinstance(values, list):
        return rng.choice(values)
    if values.log:
        drawn = math.exp(rng.uniform(math.log(values.low), math.log(values.high)))
        return round(drawn) if values.whole else min(max(drawn, values.low), values.high)
    if values.whole:
        return rng.randint(int(values.low), int(values.high))
    return rng.uniform(values.low, values.high)


def _corners(plan: SweepPlan) -> list[dict[str, Any]]:
    """Return the arm with each end, or each listed value, of one field at a time."""
    ends = {n: v if isinstance(v, list) else [v.low, v.high] for n, v in plan.space.items()}
    first = plan.arms[0] | {name: values[0] for name, values in ends.items()}
    return [first | {name: value} for name, values in ends.items() for value in values]

"""What the page of sweeps shows: all of them, and one with its axes, its points and its rungs."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from pawn_core.config import RunConfig
from pawn_lab.configs import StoredConfig
from pawn_lab.lab import Lab, sweeping
from pawn_lab.lab.sweeping import SweepStanding
from pawn_lab.reporting.metrics import of_merit
from pawn_lab.store.rows import SweepPointRow, SweepRow
from pawn_lab.store.sweeps import COMPLETED
from pawn_lab.sweeps.leaders import Leader, leaders
from pawn_lab.sweeps.plan import Range, SweepPlan
from pawn_lab.sweeps.progress import Standing
from pawn_lab.views.view import View

Json = dict[str, Any]


def sweeps(lab: Lab) -> Json:
    """List the sweeps, the newest first, each with its best completed point."""
    return {"sweeps": [_listed(row, points) for row, points in sweeping.listed(lab)]}


def sweep(lab: Lab, sweep: int) -> Json:
    """Show one sweep.

    axes: what is varied, in the plan's order; each has the `values` it lists, or `low`, `high` and
    whether they are even in the logarithm. points: `settings` by axis, `values` by step reached.
    """
    standing = sweeping.standing(lab, sweep)
    plan = standing.plan
    stop = max((point.stop for point in standing.points), default=0)
    why = _reasons(standing)
    return _merit(plan.kind) | {
        "id": standing.sweep.id,
        "state": standing.sweep.state,
        "tag": standing.sweep.tag,
        "run_type": plan.config.get("run_type", "pretrain"),
        "method": plan.method,
        "hypothesis": plan.hypothesis,
        "seeds": plan.seeds,
        "asked": standing.sweep.asked,
        "of": standing.sweep.of,
        "arms": plan.arms,
        "rule": plan.early_stopping and plan.early_stopping.model_dump(),
        "rungs": plan.rungs(stop),
        "axes": _axes(plan),
        "points": [_point(plan, point, why.get(point.number)) for point in standing.points],
        "best": [_leader(leader) for leader in leaders(standing.sweep)],
        "events": [{"time": e.time, "message": e.message} for e in standing.events],
    }


def _merit(kind: type[RunConfig]) -> Json:
    merit = of_merit(kind)
    return {
        "metric": merit.name,
        "title": merit.title,
        "better": merit.better,
        "unit": kind.progress.unit,
    }


def _listed(row: SweepRow, points: list[SweepPointRow]) -> Json:
    """Show a sweep as its rows have it, whatever version wrote its plan."""
    config = StoredConfig(row.plan.get("config") or {})
    sign = config.kind.merit.sign
    completed = [p for p in points if p.state == COMPLETED and p.value is not None]
    best = min(completed, key=lambda point: sign * (point.value or 0.0), default=None)
    return _merit(config.kind) | {
        "id": row.id,
        "state": row.state,
        "created_at": row.created_at,
        "run_type": config.get("run_type", "pretrain"),
        "method": row.plan.get("method"),
        "hypothesis": row.plan.get("hypothesis"),
        "tags": row.plan.get("tags") or [],
        "seeds": row.plan.get("seeds"),
        "varied": list(_varied(row.plan.get("arms") or [], row.plan.get("space") or {})),
        "points": dict(Counter(point.state for point in points)),
        "best": best and {"point": best.number, "value": best.value, "settings": best.overrides},
    }


def _varied(arms: Iterable[Json], space: Json) -> dict[str, None]:
    """Return the fields that arms or the space set, those of the arms first."""
    return dict.fromkeys([*(name for arm in arms for name in arm), *space])


def _axes(plan: SweepPlan) -> list[Json]:
    return [_axis(plan, name) for name in _varied(plan.arms, plan.space)]


def _axis(plan: SweepPlan, name: str) -> Json:
    values = plan.space.get(name)
    if isinstance(values, Range):
        return {"field": name} | values.model_dump()
    if values is None:
        values = [arm.get(name, _base(plan, name)) for arm in plan.arms]
    return {"field": name, "values": [v for n, v in enumerate(values) if v not in values[:n]]}


def _base(plan: SweepPlan, name: str) -> Any:
    """Return what a field is where no point sets it."""
    return plan.config.get(name, plan.kind.defaults().get(name))


def _point(plan: SweepPlan, point: Standing, why: str | None) -> Json:
    own = point.row.overrides
    return {
        "number": point.number,
        "arm": point.row.arm,
        "state": point.row.state,
        "settings": {
            name: own[name] if name in own else _base(plan, name)
            for name in _varied(plan.arms, plan.space)
        },
        "stop": point.stop,
        "values": sorted(point.values.items()),
        "trials": [
            {"id": row.id, "seed": seed, "state": row.state}
            for seed, chain in point.chains.items()
            for row in chain
        ],
        "why": why,
    }


def _reasons(standing: SweepStanding) -> dict[int, str]:
    """Return why points were stopped or failed, by number, as the last event of each says."""
    told = [(event.data.get("point"), event.message) for event in standing.events]
    return {number: text.partition(": ")[2] for number, text in told if isinstance(number, int)}


def _leader(leader: Leader) -> Json:
    return {
        "arm": leader.arm,
        "point": leader.best.number,
        "value": leader.best.value,
        "ahead_of": leader.second.number,
        "by": leader.ahead_by,
        "edges": leader.edges,
    }


SWEEPS = View(sweeps, title="Sweeps")
SWEEP = View(sweep, title="One sweep")

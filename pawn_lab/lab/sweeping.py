"""Sweeps: start one from a plan, look at it, stop it."""

import itertools
from typing import Any, NamedTuple

from pawn_core.config import RunConfig
from pawn_lab.configs import StoredConfig
from pawn_lab.errors import InvalidConfigError, InvalidRequestError, TrialStateError
from pawn_lab.lab.launching import with_fixed_weights
from pawn_lab.lab.workspace import Lab
from pawn_lab.records import Event, Sweep, SweepEstimate, SweepPoint
from pawn_lab.scheduling import runnable
from pawn_lab.store import events, sweeps, trials
from pawn_lab.store.rows import SweepPointRow, SweepRow
from pawn_lab.sweeps import create
from pawn_lab.sweeps.estimates import estimate
from pawn_lab.sweeps.plan import SweepPlan, checked_plan
from pawn_lab.sweeps.points import known_overrides
from pawn_lab.sweeps.progress import Standing, standings
from pawn_lab.sweeps.queueing import PlannedSweep, tag


def start(
    lab: Lab, plan: dict[str, Any], *, idempotency_key: str | None = None
) -> tuple[Sweep, bool]:
    """Queue the trials of a plan; return the sweep, and whether it existed before.

    Raises:
        InvalidRequestError: the plan, or a point of it, is refused; says why.
        BudgetExceededError: it is expected to cost more than the budget leaves.
    """
    checked = checked_plan(plan)
    warnings = _check_runnable(lab, checked)
    lab.create()
    with lab.database.write() as tx:
        sweep_id, repeated = create.create(
            tx, lab.paths, lab.devices, lab.launcher, checked, idempotency_key
        )
    with lab.one_pass():
        lab.tick()
        sweep = get(lab, sweep_id)
    return sweep.model_copy(update={"warnings": warnings}), repeated


def planned(lab: Lab, plan: dict[str, Any]) -> SweepEstimate:
    """Return what a plan would take, which trials it would take over, and of which sweep it is.

    Raises:
        InvalidRequestError: the plan, or a point of it, is refused; says why.
    """
    checked = checked_plan(plan)
    warnings = _check_runnable(lab, checked)
    with lab.database.read() as tx:
        total = estimate(tx, lab.paths, lab.devices, lab.launcher, checked)
        alike = sweeps.alike(tx, create.request(checked, None).digest)
    return total.model_copy(update={"repeats": alike, "warnings": warnings})


def _check_runnable(lab: Lab, plan: SweepPlan) -> list[str]:
    """Refuse a plan of which a known point cannot run here; return what will run worse."""
    machine = lab.executor.machine(lab.devices)
    configs = [plan.resolved(overrides) for overrides in known_overrides(plan)]
    for config in configs:
        _check_weights_fixed(lab, config)
    warnings = [runnable.check_runs_on(machine, config, lab.devices) for config in configs]
    return list(dict.fromkeys(itertools.chain(*warnings)))


def _check_weights_fixed(lab: Lab, config: RunConfig) -> None:
    """Refuse weights that would be others once a point is queued, and paths that lead from here."""
    fixed = with_fixed_weights(lab, config)
    for field in sorted(config.weights_fields | config.path_fields.keys()):
        named, meant = getattr(config, field), getattr(fixed, field)
        if named != meant:
            raise InvalidConfigError(f"{field} {named!r} of a plan must be fixed: {meant!r}")


def get(lab: Lab, sweep_id: int) -> Sweep:
    """Return a sweep with its points.

    Raises:
        UnknownSweepError: no such sweep.
    """
    return standing(lab, sweep_id).sweep


class SweepStanding(NamedTuple):
    """A sweep as it stands, its plan, and how far each point is at each rung."""

    sweep: Sweep
    plan: SweepPlan
    points: list[Standing]
    events: list[Event]
    """All that happened to it, oldest first."""


def standing(lab: Lab, sweep_id: int) -> SweepStanding:
    """Return all about a sweep.

    Raises:
        UnknownSweepError: no such sweep.
        InvalidRequestError: its plan is of another version of the lab.
    """
    lab.refresh()
    with lab.database.read() as tx:
        row = sweeps.get(tx, sweep_id)
        plan = _plan(row)
        points = standings(tx, lab.paths, sweep_id, plan)
        told = events.of_sweep(tx, sweep_id)
    return SweepStanding(_sweep(row, plan, points), plan, points, told)


def _plan(row: SweepRow) -> SweepPlan:
    try:
        return PlannedSweep.of(row).plan
    except ValueError:
        raise InvalidRequestError(
            f"sweep {row.id} has a plan that this version of the lab does not read; its trials "
            f"are tagged '{tag(row.id)}'"
        ) from None


def listed(lab: Lab) -> list[tuple[SweepRow, list[SweepPointRow]]]:
    """Return every sweep with its points as they are stored, the newest first."""
    lab.refresh()
    with lab.database.read() as tx:
        return [(row, sweeps.points(tx, row.id)) for row in sweeps.newest_first(tx)]


def rivals(lab: Lab, trial_id: int) -> list[int] | None:
    """Return the trials of the other points of a trial's arm; None: it is of no sweep."""
    lab.refresh()
    with lab.database.read() as tx:
        row = trials.get(tx, trial_id)
        if row.sweep is None:
            return None
        arms = {point.number: point.arm for point in sweeps.points(tx, row.sweep)}
        own = {number for number, arm in arms.items() if arm == arms.get(row.point or 0)}
        others = trials.of_sweep(tx, row.sweep)
    return [other.id for other in others if other.point in own - {row.point}]


def stop(lab: Lab, sweep_id: int) -> Sweep:
    """Choose no further points and promote none; trials that were queued go on.

    Raises:
        UnknownSweepError: no such sweep.
        TrialStateError: it has ended.
    """
    lab.refresh()
    with lab.database.write() as tx:
        state = sweeps.get(tx, sweep_id).state
        if state != sweeps.ACTIVE:
            raise TrialStateError(f"sweep {sweep_id} is {state}; only an active one is stopped")
        sweeps.end(tx, sweep_id, sweeps.STOPPED, "stopped by a call")
    return get(lab, sweep_id)


def _sweep(row: SweepRow, plan: SweepPlan, points: list[Standing]) -> Sweep:
    return Sweep(
        id=row.id,
        state=row.state,
        config=StoredConfig(plan.config),
        method=plan.method,
        arms=plan.arms,
        seeds=plan.seeds,
        tag=tag(row.id),
        points=[_point(point) for point in points],
        asked=len(points),
        of=plan.points or len(points) if plan.method == "tpe" else len(points),
    )


def _point(each: Standing) -> SweepPoint:
    step = max(each.values, default=None)
    return SweepPoint(
        number=each.number,
        arm=each.row.arm,
        state=each.row.state,
        overrides=each.row.overrides,
        step=step,
        value=None if step is None else each.values[step],
        trials=[row.id for chain in each.chains.values() for row in chain],
    )

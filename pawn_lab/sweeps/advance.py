"""Moving sweeps on: settle what has ended, promote, ask for more, end. Part of scheduler passes.

One process at a time does it, under a lock that the kernel frees; each change is one transaction
with its event, so a process that dies anywhere leaves a sweep that the next one goes on with.
"""

import hashlib
import os
from collections.abc import Sequence
from typing import Any

from pawn_core.config import ConfigError
from pawn_lab import failpoints
from pawn_lab.errors import LabError, WorkspaceError
from pawn_lab.executors.executor import Device
from pawn_lab.locks import try_lock
from pawn_lab.paths import WorkspacePaths
from pawn_lab.scheduling import budget
from pawn_lab.store import Database, Transaction, events, sweeps, trials
from pawn_lab.store.rows import SweepPointRow, SweepRow, TrialRow
from pawn_lab.sweeps.decide import Decision, Promotion, Settled, decide
from pawn_lab.sweeps.plan import SweepPlan
from pawn_lab.sweeps.points import PlannedPoint
from pawn_lab.sweeps.progress import Standing, standings
from pawn_lab.sweeps.queueing import PlannedSweep, queue_point
from pawn_lab.sweeps.study import Asked, Study, Told
from pawn_lab.trials import launches, lineage, requests
from pawn_lab.trials.lineage import Continuation


def advance(database: Database, workspace: WorkspacePaths, devices: Sequence[Device]) -> bool:
    """Move on every active sweep; say whether anything was queued."""
    with database.read() as tx:
        due = [sweep for sweep in sweeps.active(tx) if sweep.seen != _signature(tx, sweep.id)]
    if not due or (lock := try_lock(workspace.sweeps_lock)) is None:
        return False
    try:
        moved = [_advance(database, workspace, list(devices), sweep) for sweep in due]
        return any(moved)
    finally:
        os.close(lock)


def _advance(
    database: Database, workspace: WorkspacePaths, devices: list[Device], sweep: SweepRow
) -> bool:
    try:
        return _step(database, workspace, devices, sweep)
    except WorkspaceError:
        raise
    except (LabError, ConfigError, OSError, ValueError, LookupError) as error:
        with database.write() as tx:
            sweeps.end(tx, sweep.id, sweeps.FAILED, f"given up: {error}")
        return False


def _step(
    database: Database, workspace: WorkspacePaths, devices: list[Device], row: SweepRow
) -> bool:
    sweep = PlannedSweep.of(row)
    plan = sweep.plan
    with database.read() as tx:
        seen = _signature(tx, sweep.id)
        points = standings(tx, workspace, sweep.id, plan)
    more = plan.method == "tpe" and len(points) < (plan.points or 0)
    prepared = [_prepared(workspace, d) for d in decide(plan, points, more)]
    settled = {d.standing.number for d, _ in prepared if isinstance(d, Settled)}
    going = _going(points, prepared) - settled
    room = _room(plan, len(going), len(points), devices) if more else 0
    asked = _ask(workspace, sweep, points, prepared, room) if room > 0 else []
    with database.write() as tx:
        if sweeps.get(tx, sweep.id).state != sweeps.ACTIVE:
            return False
        tx.update("sweeps", sweep.id, seen=seen)
        for decision, continuations in prepared:
            _apply(tx, workspace, devices, sweep, decision, continuations)
        for point in asked:
            _add(tx, workspace, devices, sweep, point)
        if not asked and not more and all(not e.open or e.number in settled for e in points):
            _end(tx, sweep)
    return bool(asked) or any(isinstance(d, Promotion) for d, _ in prepared)


def _prepared(workspace: WorkspacePaths, decision: Decision) -> tuple[Decision, list[Continuation]]:
    """Verify the checkpoints of a promotion; one without is a point that failed."""
    if isinstance(decision, Settled):
        return decision, []
    try:
        return decision, [
            _continuation(workspace, decision, leaf) for leaf in decision.standing.leaves
        ]
    except (LabError, ConfigError) as error:
        return Settled(decision.standing, sweeps.FAILED, None, str(error), {}), []


def _continuation(workspace: WorkspacePaths, promoted: Promotion, leaf: TrialRow) -> Continuation:
    point = lineage.resume_point(leaf, workspace.trial(leaf.id), "latest")
    config = lineage.resumed_config(leaf, point.checkpoint.step, {}, promoted.until)
    return Continuation(leaf, point, config)


def _apply(
    tx: Transaction,
    workspace: WorkspacePaths,
    devices: list[Device],
    sweep: PlannedSweep,
    decision: Decision,
    continuations: list[Continuation],
) -> None:
    if isinstance(decision, Settled):
        _settle(tx, sweep, decision)
        return
    for continuation in continuations:
        parent = continuation.parent
        if trials.children(tx, parent.id):
            continue  # somebody has resumed it by hand
        request = requests.request(parent.priority, None, sweep=sweep.id, of=parent.id)
        made = launches.resume(tx, request, continuation, sweep.launcher, workspace.root)
        budget.reserve(tx, workspace, devices, made.new, refuse=False)


def _settle(tx: Transaction, sweep: PlannedSweep, settled: Settled) -> None:
    row, number = settled.standing.row, settled.standing.number
    tx.update("sweep_points", row.id, state=settled.state, value=settled.value)
    if settled.state == sweeps.COMPLETED:
        return
    kind = "early_stop" if settled.state == sweeps.STOPPED else "sweep"
    ended = "goes no further" if settled.state == sweeps.STOPPED else "failed"
    data = {"sweep": sweep.id, "point": number, "trials": _ids(settled.standing)}
    message = f"sweep {sweep.id}, point {number} {ended}: {settled.why}"
    last = _ids(settled.standing)[-1:] or [None]
    events.append(tx, kind, message, last[0], data | settled.evidence)


def _ids(standing: Standing) -> list[int]:
    return [leaf.id for leaf in standing.leaves]


def _add(
    tx: Transaction,
    workspace: WorkspacePaths,
    devices: list[Device],
    sweep: PlannedSweep,
    asked: Asked,
) -> None:
    """Add a point that was asked for, with its trials."""
    point = PlannedPoint(0, sweep.plan.arms[0] | asked.values)
    sweeps.add_points(tx, sweep.id, [(asked.number, point.arm, point.overrides)])
    made = queue_point(tx, sweep, asked.number, point)
    budget.reserve(tx, workspace, devices, made, refuse=False)


def _going(points: list[Standing], prepared: list[tuple[Decision, list[Continuation]]]) -> set[int]:
    """Return the points that run or are about to; one that waits at a rung needs others to come."""
    promoted = {d.standing.number for d, _ in prepared if isinstance(d, Promotion)}
    return promoted | {point.number for point in points if point.open and point.running}


def _room(plan: SweepPlan, going: int, asked: int, devices: Sequence[Device]) -> int:
    """Return how many more points may be on their way."""
    most = plan.parallel or max(1, len(devices) // plan.seeds)
    return min(most - going, (plan.points or 0) - asked)


def _ask(
    workspace: WorkspacePaths,
    sweep: PlannedSweep,
    points: list[Standing],
    prepared: list[tuple[Decision, list[Continuation]]],
    room: int,
) -> list[Asked]:
    study = Study(workspace.study(sweep.id), sweep.plan.space, sweep.plan.sampler_seed)
    sign = sweep.plan.kind.merit.sign
    study.tell(_told(points, sign))
    study.tell(_told_now(d, sign) for d, _ in prepared if isinstance(d, Settled))
    asked = [study.ask(len(points) + ahead) for ahead in range(room)]
    failpoints.hit("sweep.asked")
    return asked


def _told(points: list[Standing], sign: int) -> list[Told]:
    settled = (point for point in points if not point.open)
    return [_verdict(point, point.row.state, point.row.value, sign) for point in settled]


def _told_now(settled: Settled, sign: int) -> Told:
    return _verdict(settled.standing, settled.state, settled.value, sign)


def _verdict(point: Standing, state: str, value: float | None, sign: int) -> Told:
    pruned = point.stopped_at if state == sweeps.STOPPED else None
    lower_is_better = None if value is None or state == sweeps.FAILED else sign * value
    return Told(point.number, lower_is_better, pruned)


def _end(tx: Transaction, sweep: PlannedSweep) -> None:
    """End a sweep whose points are all settled, naming the best of each arm."""
    done = [row for row in sweeps.points(tx, sweep.id) if row.state == sweeps.COMPLETED]
    valued = [row for row in done if row.value is not None]
    best: dict[int, SweepPointRow] = {}
    merit = sweep.plan.kind.merit
    for row in sorted(
        valued, key=lambda r: (merit.sign * (r.value or 0.0), r.number), reverse=True
    ):
        best[row.arm] = row
    named = "; ".join(
        f"point {row.number} ({_setting(row)}) {merit.metric} {row.value:.4g}"
        for row in best.values()
    )
    message = f"completed; best: {named}" if named else "completed without a result"
    data: dict[str, Any] = {"best_points": [row.number for row in best.values()]}
    sweeps.end(tx, sweep.id, sweeps.COMPLETED, message, **data)


def _setting(point: SweepPointRow) -> str:
    return " ".join(f"{name}={value}" for name, value in point.overrides.items())


def _signature(tx: Transaction, sweep_id: int) -> str:
    """Return a hash of all that a decision depends on: points, trials, their states."""
    rows = tx.rows("SELECT id, state FROM trials WHERE sweep = ? ORDER BY id", sweep_id)
    points = tx.rows("SELECT number, state FROM sweep_points WHERE sweep = ?", sweep_id)
    return hashlib.sha256(repr([rows, points]).encode()).hexdigest()

"""Making a sweep: its row, its points and their trials, all in one transaction."""

from pawn_lab.errors import IdempotencyConflictError
from pawn_lab.paths import WorkspacePaths
from pawn_lab.planning import budget
from pawn_lab.processes.devices import Device
from pawn_lab.processes.start import Launcher
from pawn_lab.store import Transaction, sweeps
from pawn_lab.sweeps.plan import SweepPlan
from pawn_lab.sweeps.points import points
from pawn_lab.sweeps.queueing import queue_point
from pawn_lab.trials import requests
from pawn_lab.trials.code import code_digest


def create(
    tx: Transaction,
    workspace: WorkspacePaths,
    devices: list[Device],
    launcher: Launcher,
    plan: SweepPlan,
    idempotency_key: str | None,
) -> tuple[int, bool]:
    """Return the number of a new sweep, or of the one that this call already made, and whether.

    Without a key, a sweep of the same plan and code that goes on or has completed is the same one.

    Raises:
        InvalidRequestError: a point is refused, or there are too many.
        IdempotencyConflictError: the key belongs to a sweep of another plan.
        BudgetExceededError: its trials are expected to cost more than the budget leaves.
    """
    request = requests.request(
        plan.priority, idempotency_key, plan=plan.model_dump(mode="json"), code=code_digest()
    )
    known = _known(tx, request)
    if known is not None:
        return known, True
    made = points(plan)
    sweep_id = sweeps.insert(
        tx,
        f"{plan.method} of {plan.points or len(made)} points, {plan.seeds} seeds each"
        + (f", asked by {launcher.caller}" if launcher.caller else ""),
        plan=plan.model_dump(mode="json"),
        idempotency_key=idempotency_key,
        request_hash=request.digest,
        **launcher.columns(),
    )
    sweeps.add_points(tx, sweep_id, [(n, p.arm, p.overrides) for n, p in enumerate(made)])
    row = sweeps.get(tx, sweep_id)
    launched = [t for n, point in enumerate(made) for t in queue_point(tx, row, n, point)]
    budget.reserve(tx, workspace, devices, launched)
    return sweep_id, False


def _known(tx: Transaction, request: requests.Request) -> int | None:
    if request.idempotency_key is None:
        return sweeps.alike(tx, request.digest)
    existing = sweeps.by_key(tx, request.idempotency_key)
    if existing is not None and existing["request_hash"] != request.digest:
        raise IdempotencyConflictError(
            f"idempotency_key '{request.idempotency_key}' belongs to sweep {existing['id']}, "
            "which was asked for differently; use a new key for a new sweep"
        )
    return existing["id"] if existing else None

"""Making a sweep: its row, its points and their trials, all in one transaction."""

from pawn_lab.errors import IdempotencyConflictError
from pawn_lab.executors.executor import Device
from pawn_lab.paths import WorkspacePaths
from pawn_lab.scheduling import budget
from pawn_lab.store import Transaction, sweeps, trials
from pawn_lab.sweeps.plan import SweepPlan
from pawn_lab.sweeps.points import points
from pawn_lab.sweeps.queueing import PlannedSweep, queue_point
from pawn_lab.trials import launches, requests
from pawn_lab.trials.code import code_digest
from pawn_lab.trials.launcher import Launcher


def create(
    tx: Transaction,
    workspace: WorkspacePaths,
    devices: list[Device],
    launcher: Launcher,
    plan: SweepPlan,
    idempotency_key: str | None,
) -> tuple[int, bool]:
    """Return the number of a new sweep, or of the one that this call already made, and whether.

    Without a key, a sweep of the same plan and code that goes on or has completed is the same one;
    its trials take the plan's tags.

    Raises:
        InvalidRequestError: a point is refused, or there are too many.
        IdempotencyConflictError: the key belongs to a sweep of another plan.
        BudgetExceededError: its trials are expected to cost more than the budget leaves.
    """
    asked = request(plan, idempotency_key)
    if (known := _known(tx, asked)) is not None:
        for trial in trials.of_sweep(tx, known):
            launches.tag(tx, trial.id, plan.tags)
        return known, True
    made = points(plan)
    sweep_id = sweeps.insert(
        tx,
        f"{plan.method} of {len(made) or plan.points} points, {plan.seeds} seeds each",
        launcher.caller,
        plan=plan.model_dump(mode="json"),
        idempotency_key=idempotency_key,
        request_hash=asked.digest,
        **launcher.columns(),
    )
    sweeps.add_points(tx, sweep_id, [(n, p.arm, p.overrides) for n, p in enumerate(made)])
    sweep = PlannedSweep.of(sweeps.get(tx, sweep_id))
    launched = [t for n, point in enumerate(made) for t in queue_point(tx, sweep, n, point)]
    budget.reserve(tx, workspace, devices, launched)
    return sweep_id, False


def request(plan: SweepPlan, idempotency_key: str | None) -> requests.Request:
    """Return what tells a sweep from others: what its points run and by which rules, and the code.

    What only names it, or says the same in other words, makes no other sweep.
    """
    rules = plan.model_dump(mode="json", exclude={"tags", "hypothesis", "priority"})
    if runs := [[point.arm, plan.resolved(point.overrides).settings()] for point in points(plan)]:
        rules |= {"config": None, "arms": None, "space": None, "runs": runs}
    return requests.request(plan.priority, idempotency_key, plan=rules, code=code_digest())


def _known(tx: Transaction, asked: requests.Request) -> int | None:
    if asked.idempotency_key is None:
        return sweeps.alike(tx, asked.digest)
    existing = sweeps.by_key(tx, asked.idempotency_key)
    if existing is not None and existing.request_hash != asked.digest:
        raise IdempotencyConflictError(
            f"idempotency_key '{asked.idempotency_key}' belongs to sweep {existing.id}, "
            "which was asked for differently; use a new key for a new sweep"
        )
    return existing.id if existing else None

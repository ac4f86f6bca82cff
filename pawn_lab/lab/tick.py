"""One scheduler pass: what every front-end call begins with, and what a shim ends as.

Also run as `python -P -m pawn_lab.lab.tick WORKSPACE`.
"""

import contextlib
import sys
from pathlib import Path

from pawn_lab.alarms import idling
from pawn_lab.errors import LabError
from pawn_lab.executors import choice as choices
from pawn_lab.executors.attempt import Attempt
from pawn_lab.executors.choice import Choice
from pawn_lab.executors.executor import Claim, Device, Executor, Sight
from pawn_lab.paths import WorkspacePaths
from pawn_lab.reporting import cost
from pawn_lab.scheduling import budget, scheduler, supervision
from pawn_lab.store import Database, events
from pawn_lab.store.failures import not_writable, translated
from pawn_lab.sweeps.advance import advance


def tick(
    database: Database,
    workspace: WorkspacePaths,
    executor: Executor,
    inventory: list[Device],
    choice: Choice | None = None,
) -> None:
    """Bring every trial up to date, launch what fits, pass on kills, and move sweeps on.

    choice: what made the executor. Once the workspace has another, trials are left to that one.

    Raises:
        WorkspaceNotWritableError: some or all of it is left for later; says why.
    """
    _pass(database, workspace, executor, inventory, choice)
    if advance(database, workspace, inventory):
        _pass(database, workspace, executor, inventory, choice)


def _pass(
    database: Database,
    workspace: WorkspacePaths,
    executor: Executor,
    inventory: list[Device],
    choice: Choice | None,
) -> None:
    claims = scheduler.Claims([], [])
    sights = _look(database, workspace, executor)
    cleared = executor.clear(workspace, sights) if database.refusal is None else []
    try:
        with database.write() as tx:
            if not choices.is_current(workspace, choice):
                return
            for step in cleared:
                events.append(tx, "stuck", step)
            cost.follow_boot(tx)
            to_stop = supervision.reconcile(tx, workspace, executor, sights)
            claims = scheduler.claim_free_devices(tx, workspace, executor, inventory)
            budget.watch(tx, workspace)
            idling.watch(tx, workspace, executor, inventory)
    except BaseException:
        claims.release()
        raise
    if claims.ready:
        _start(database, workspace, executor, claims.ready)
        sights = _look(database, workspace, executor)
        with database.write() as tx:
            if not choices.is_current(workspace, choice):
                return
            to_stop += supervision.reconcile(tx, workspace, executor, sights)
    for attempt in to_stop:
        executor.stop(attempt)
    if claims.refusals:
        raise not_writable(workspace.root, None, claims.refusals[0])


def _look(
    database: Database, workspace: WorkspacePaths, executor: Executor
) -> dict[Attempt, Sight]:
    """Return how the trials that hold devices are; the database is not locked meanwhile.

    Where nothing can be recorded there is nothing to look for.
    """
    with database.read() as tx:
        attempts = supervision.attempts(tx, workspace)
    if database.refusal is not None or not attempts:
        return {}
    with translated(workspace.root, workspace.database):
        return executor.look(attempts)


def _start(
    database: Database, workspace: WorkspacePaths, executor: Executor, claims: list[Claim]
) -> None:
    """Start every claimed trial; whatever happens, no lock stays with this process."""
    with contextlib.ExitStack() as locks:
        for claim in claims:
            locks.callback(claim.release)
        for claim, why in executor.start(workspace, claims):
            with database.write() as tx:
                supervision.abandon_launch(tx, claim.trial, why)


def main() -> None:
    """Open the workspace and bring it up to date; what hinders that is one line."""
    workspace = WorkspacePaths(Path(sys.argv[1]))
    try:
        with contextlib.closing(Database.view(workspace)) as database:
            choice = choices.read(workspace)
            executor = choices.executor_for(workspace, choice)
            tick(database, workspace, executor, executor.devices(), choice)
    except LabError as error:
        sys.exit(f"no scheduler pass: {error}")


if __name__ == "__main__":
    main()

"""One scheduler pass: what every front-end call begins with, and what a shim ends as.

Also run as `python -P -m pawn_lab.lab.tick WORKSPACE`.
"""

import contextlib
import signal
import sys
from pathlib import Path

from pawn_lab.errors import LabError
from pawn_lab.paths import WorkspacePaths
from pawn_lab.reporting import cost
from pawn_lab.scheduling import budget, devices, scheduler, supervision
from pawn_lab.scheduling.devices import Device
from pawn_lab.scheduling.start import Claim, await_starts, start
from pawn_lab.shim import identity
from pawn_lab.store import Database
from pawn_lab.store.failures import not_writable
from pawn_lab.sweeps.advance import advance


def tick(database: Database, workspace: WorkspacePaths, inventory: list[Device]) -> None:
    """Bring every trial up to date, launch what fits, pass on kills, and move sweeps on.

    Raises:
        WorkspaceNotWritableError: some or all of it is left for later; says why.
    """
    _pass(database, workspace, inventory)
    if advance(database, workspace, inventory):
        _pass(database, workspace, inventory)


def _pass(database: Database, workspace: WorkspacePaths, inventory: list[Device]) -> None:
    claims = scheduler.Claims([], [])
    try:
        with database.write() as tx:
            cost.follow_boot(tx)
            to_stop = supervision.reconcile(tx, workspace)
            claims = scheduler.claim_free_devices(tx, workspace, inventory)
            budget.watch(tx, workspace)
    except BaseException:
        claims.release()
        raise
    if claims.ready:
        _start(database, workspace, claims.ready)
        with database.write() as tx:
            to_stop += supervision.reconcile(tx, workspace)
    for shim in to_stop:
        identity.send_signal(shim, signal.SIGTERM)
    if claims.refusals:
        raise not_writable(workspace.root, None, claims.refusals[0])


def _start(database: Database, workspace: WorkspacePaths, claims: list[Claim]) -> None:
    """Start every claimed trial; whatever happens, no lock stays with this process."""
    handshakes = []
    with contextlib.ExitStack() as locks:
        for claim in claims:
            locks.callback(claim.release)
        for claim in claims:
            try:
                handshakes.append(start(workspace, claim))
            except OSError as error:
                with database.write() as tx:
                    supervision.abandon_launch(tx, claim.trial, str(error))
    await_starts(handshakes)


def main() -> None:
    """Open the workspace and bring it up to date; what hinders that is one line."""
    workspace = WorkspacePaths(Path(sys.argv[1]))
    try:
        with contextlib.closing(Database.view(workspace)) as database:
            tick(database, workspace, devices.inventory())
    except LabError as error:
        sys.exit(f"no scheduler pass: {error}")


if __name__ == "__main__":
    main()

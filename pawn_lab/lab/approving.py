"""Approving: a person lets trials start that wait for it."""

from collections.abc import Sequence

from pawn_lab.lab.queries import selected
from pawn_lab.lab.workspace import Lab
from pawn_lab.records import Trial
from pawn_lab.trials import launches, selection


def approve(lab: Lab, trial_ids: Sequence[int]) -> list[Trial]:
    """Let trials on hold start, all or none of them; returns them once the scheduler has seen it.

    Raises:
        UnknownTrialError: no such trial.
        InvalidRequestError: none is named.
        TrialStateError: one does not wait for an approval.
    """
    lab.refresh()
    with lab.database.write() as tx:
        rows = selection.selected(tx, trial_ids)
        launches.approve(tx, rows, lab.launcher.caller)
    with lab.one_pass():
        lab.tick()
        return selected(lab, [row.id for row in rows])

"""Approving: a person lets trials start that wait for it."""

from collections.abc import Sequence

from pawn_lab.lab.queries import selected
from pawn_lab.lab.workspace import Lab
from pawn_lab.records import Trial
from pawn_lab.store import trials
from pawn_lab.trials import launches


def approve(lab: Lab, trial_ids: Sequence[int]) -> list[Trial]:
    """Let trials on hold start, all or none of them; returns them once the scheduler has seen it.

    Raises:
        UnknownTrialError: no such trial.
        TrialStateError: one does not wait for an approval.
    """
    chosen = dict.fromkeys(trial_ids)
    lab.refresh()
    with lab.database.write() as tx:
        launches.approve(tx, [trials.get(tx, number) for number in chosen], lab.launcher.caller)
    with lab.one_pass():
        lab.tick()
        return selected(lab, chosen)

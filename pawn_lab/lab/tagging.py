"""Tagging: the names by which people find trials again."""

from collections.abc import Sequence

from pawn_lab.lab.queries import trial
from pawn_lab.lab.workspace import Lab
from pawn_lab.records import Trial
from pawn_lab.store import trials
from pawn_lab.trials import requests


def tag(lab: Lab, trial_id: int, tags: Sequence[str]) -> Trial:
    """Give a trial these tags in place of its own.

    Raises:
        UnknownTrialError: no such trial.
        InvalidRequestError: a tag is refused; says why.
    """
    checked = requests.checked_tags(tags)
    lab.refresh()
    with lab.database.write() as tx:
        trials.set_tags(tx, trials.get(tx, trial_id), checked, lab.launcher.caller)
    return trial(lab, trial_id)

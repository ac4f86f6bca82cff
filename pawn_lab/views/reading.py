"""Which streams an answer reads: those that are soon read; of the others it says how many wait."""

import time
from collections.abc import Iterable
from typing import NamedTuple

from pawn_lab.lab import Lab
from pawn_lab.records import Trial
from pawn_lab.trials import measurements

BUDGET_S = 0.2
"""For reading what nobody has read yet, of one answer."""
_SOON_READ_BYTES = 128 << 10


class Ready(NamedTuple):
    """The trials whose streams are read, and the numbers of those that come with a later answer."""

    trials: list[Trial]
    pending: list[int]


def ready(lab: Lab, trials: Iterable[Trial], budget_s: float = BUDGET_S) -> Ready:
    """Read the streams of trials as long as the budget lasts, the first of them in any case."""
    read: list[Trial] = []
    pending: list[int] = []
    end = time.monotonic() + budget_s
    for trial in trials:
        paths = lab.paths.trial(trial.id)
        late = read and time.monotonic() > end
        if late and measurements.unread_bytes(paths) > _SOON_READ_BYTES:
            pending.append(trial.id)
        else:
            measurements.latest(paths)
            read.append(trial)
    return Ready(read, pending)

"""When a new trial would start: the queue played forward from what is known."""

import heapq
import math
from collections.abc import Sequence
from typing import NamedTuple


class QueuePlace(NamedTuple):
    """A place in the queue; `starts_in_s` is None where it depends on something unknown."""

    position: int
    starts_in_s: float | None


def place(
    free_in_s: Sequence[float | None], ahead_s: Sequence[float | None], position: int
) -> QueuePlace:
    """Return when the trial after those ahead gets a device.

    free_in_s: seconds until each device is free, 0 for an idle one; ahead_s: how long each trial
    ahead in the queue takes; None: unknown.
    """
    free = [math.inf if seconds is None else seconds for seconds in free_in_s]
    heapq.heapify(free)
    for seconds in ahead_s:
        heapq.heappush(free, heapq.heappop(free) + (math.inf if seconds is None else seconds))
    starts = free[0] if free else math.inf
    return QueuePlace(position, starts if math.isfinite(starts) else None)

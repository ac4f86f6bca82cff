"""How many threads to compute with, and how they wait: settled before torch is imported.

A thread of OpenMP that waits for the others spins by default. Where something else needs the cores,
each parallel region then takes the scheduler's time slices: 16 to 22 s for a step of toy on 2 cores
under a load of 20, where threads that sleep take 0.8 to 1.4 s (torch 2.9, libgomp).
"""

import contextlib
import math
import os
from collections.abc import Iterator
from pathlib import Path

THREADS_VARIABLE = "OMP_NUM_THREADS"
WAIT_VARIABLE = "OMP_WAIT_POLICY"
SLEEP = "PASSIVE"

_CGROUP = Path("/sys/fs/cgroup/cpu.max")
_OLD_CGROUP = Path("/sys/fs/cgroup/cpu")


def usable_cores() -> int:
    """Return the cores that this process may use: its affinity, and a container's share of them."""
    cores = len(os.sched_getaffinity(0))
    return max(1, min([cores, *map(math.ceil, _quota())]))


def free_cores() -> int:
    """Return the usable cores that nothing kept busy over the last minute, at least one."""
    cores = usable_cores()
    return max(1, min(cores, cores - round(os.getloadavg()[0])))


def settle_threads(threads: int | None = None) -> None:
    """Set what OpenMP reads when torch is imported, where the environment does not say it.

    A resumed run gives its `threads`: sums depend on how they are split.
    """
    os.environ.setdefault(THREADS_VARIABLE, str(threads or free_cores()))
    os.environ.setdefault(WAIT_VARIABLE, SLEEP)


def _quota() -> Iterator[float]:
    """Yield the cores that a container's time is worth, where it is limited."""
    with contextlib.suppress(OSError, ValueError):
        limit, period = _CGROUP.read_text("utf-8").split()
        yield int(limit) / int(period)
    with contextlib.suppress(OSError, ValueError):
        limit, period = (
            int((_OLD_CGROUP / f"cpu.cfs_{name}_us").read_text("utf-8"))
            for name in ("quota", "period")
        )
        if limit > 0:
            yield limit / period

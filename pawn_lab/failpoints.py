"""Named points at which a process kills itself, to test recovery. Standard library only.

`PAWN_FAILPOINT=NAME` makes the process die by SIGKILL when it reaches that point, and
`PAWN_FAILPOINT=NAME:3` at the third time. Unset, a point costs one dictionary look-up.
"""

import os
import signal
from collections import Counter

VARIABLE = "PAWN_FAILPOINT"

EDGES = (
    "new-queued",
    "queued-launching",
    "queued-killed",
    "launching-running",
    "launching-queued",
    "launching-lost",
    "running-paused",
    "running-completed",
    "running-failed",
    "running-killed",
    "running-lost",
)
"""Every change of state, as `source-target`."""

FRONT_END = (
    *(f"{edge}.{side}" for edge in EDGES for side in ("before-commit", "after-commit")),
    "open.created",
    "start.lock-taken",
    "start.files-written",
    "start.shim-spawned",
    "kill.requested",
)
SWEEP = ("sweep.asked",)
SHIM = (
    "shim.started",
    "shim.identified",
    "shim.trainer-started",
    "shim.trainer-ended",
    "shim.exit-written",
    "guardian.shim-ended",
)
FAILPOINTS = frozenset(FRONT_END + SWEEP + SHIM)

_hits: Counter[str] = Counter()


def hit(name: str) -> None:
    """Die here if the environment says so."""
    failpoint = os.environ.get(VARIABLE)
    if failpoint is None:
        return
    if name not in FAILPOINTS:
        raise LookupError(f"failpoint '{name}' is not listed in {__name__}")
    _hits[name] += 1
    target, _, count = failpoint.partition(":")
    if name == target and _hits[name] == int(count or 1):
        os.kill(os.getpid(), signal.SIGKILL)

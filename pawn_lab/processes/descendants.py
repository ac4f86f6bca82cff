"""What descends from this process, whoever its parent is by now. Linux; standard library only."""

import contextlib
import os
import signal

from pawn_lab.processes.identity import parent_of, process_ids


def kill_descendants() -> None:
    """Kill and reap all children, and with them all descendants, whom we adopt."""
    while children := _children():
        for pid in children:
            os.kill(pid, signal.SIGKILL)
        os.waitpid(-1, 0)  # one at a time: meanwhile orphans of the killed become our children


def _children() -> list[int]:
    return [pid for pid in process_ids() if _is_child(pid)]


def _is_child(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return parent_of(pid) == os.getpid()
    return False

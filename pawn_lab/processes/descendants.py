"""What descends from this process, whoever its parent is by now. Linux; standard library only."""

import contextlib
import ctypes
import os
import signal

from pawn_lab.processes.identity import parent_of, process_ids

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans(yes: bool = True) -> None:
    """Become the parent of every descendant whose own parent ends, or no longer."""
    _prctl(_PR_SET_CHILD_SUBREAPER, int(yes))


def die_with_parent() -> None:
    """Be killed as soon as the parent ends; it may have ended before."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


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


def _prctl(option: int, value: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, value, 0, 0, 0):
        code = ctypes.get_errno()
        raise OSError(code, f"prctl({option}, {value}): {os.strerror(code)}")

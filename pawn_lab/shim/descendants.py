"""What descends from this process, whoever its parent is by now. Linux; standard library only."""

import contextlib
import os
import signal

from pawn_lab.shim.identity import is_marked, kill_group, kill_member, newest_processes, parent_of


def kill_descendants(token: str) -> None:
    """Kill and reap all children, and with them all descendants, whom we adopt.

    Each pass over the machine's processes kills whatever is ours, however deep. The youngest come
    first: of a chain in which each starts its successor and ends, only the last one counts.
    """
    with contextlib.suppress(ChildProcessError):  # none is left
        while True:
            killed = [pid for pid in newest_processes() if _kill_ours(pid, token)]
            _reap(wait=bool(killed))


def _kill_ours(pid: int, token: str) -> bool:
    """Kill a child, or a descendant that has not become one yet."""
    if _is_child(pid):
        kill_group(pid)
        with contextlib.suppress(PermissionError):  # another user's by now
            os.kill(pid, signal.SIGKILL)  # not reaped yet: its number is its own
        return True
    return is_marked(pid, token) and kill_member(pid, token)


def _is_child(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return parent_of(pid) == os.getpid()
    return False


def _reap(wait: bool) -> None:
    """Reap the children that have ended; where some must end, wait for the first of them.

    Raises:
        ChildProcessError: there is no child.
    """
    pid = os.waitpid(-1, 0 if wait else os.WNOHANG)[0]
    while pid:
        pid = os.waitpid(-1, os.WNOHANG)[0]

"""How this process and its family end together. Linux; standard library only."""

import ctypes
import os
import signal

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans(yes: bool = True) -> None:
    """Become the parent of every descendant whose own parent ends, or no longer."""
    _prctl(_PR_SET_CHILD_SUBREAPER, int(yes))


def die_with_parent() -> None:
    """Be killed as soon as the parent ends; it may have ended before."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _prctl(option: int, value: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, value, 0, 0, 0):
        code = ctypes.get_errno()
        raise OSError(code, f"prctl({option}, {value}): {os.strerror(code)}")

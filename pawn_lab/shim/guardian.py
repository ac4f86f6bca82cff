"""The process above a shim: it ends what a killed shim leaves behind, and runs the queue on.

A killed shim takes its trainer with it, but not the trainer's own children. They become the
guardian's, whatever session or environment they have. It holds the trial's lock until none is
left, then becomes one scheduler pass; so no front end has to come by. It lets a shim that was
stopped go on. Should the guardian be killed, the shim goes on without it and does the pass itself.
Standard library only.
"""

import contextlib
import os
import signal
import sys
from pathlib import Path
from typing import NamedTuple, NoReturn

from pawn_core.prctl import adopt_orphans
from pawn_lab import failpoints
from pawn_lab.shim import environment
from pawn_lab.shim.identity import (
    TOKEN_VARIABLE,
    ProcessIdentity,
    is_marked,
    kill_group,
    kill_member,
    newest_processes,
    parent_of,
)
from pawn_lab.shim.places import name_now

ALONE_VARIABLE = "PAWN_SHIM_ALONE"
"""Set for the shim on a node of a cluster: the machine of the lab makes the scheduler passes."""

STOP_SIGNALS = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGHUP})


class Handover(NamedTuple):
    """What the shim gets from those above it."""

    guardian: ProcessIdentity
    ready: int
    """The descriptor whose closing, by it or by its death, lets the launcher's child end."""


def fork_shim(workspace: Path) -> Handover:
    """Return in the shim, a grandchild of the launcher's child, which ends once it is ready."""
    ready = _detach()
    guardian = ProcessIdentity.of_self(os.environ[TOKEN_VARIABLE])
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # ignored, it would reap children unseen
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    adopt_orphans()
    if pid := os.fork():
        os.close(ready)
        _guard(pid)
        become_scheduler_pass(workspace)
    return Handover(guardian, ready)


def end_shim(guardian: ProcessIdentity, workspace: Path) -> NoReturn:
    """End the shim; where its guardian is gone, in its place."""
    if os.getppid() != guardian.pid:
        become_scheduler_pass(workspace)
    os._exit(0)


def become_scheduler_pass(workspace: Path) -> NoReturn:
    """Replace this process by one scheduler pass; the lock, not inheritable, is freed by that.

    On a node of a cluster it ends instead.
    """
    if os.environ.get(ALONE_VARIABLE):
        os._exit(0)
    adopt_orphans(False)
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    argv = [sys.executable, "-P", "-m", "pawn_lab.lab.tick", name_now(workspace)]
    os.execve(sys.executable, argv, environment.without_trial())


def _detach() -> int:
    """Continue in a child of nobody; return the descriptor that the first process waits for."""
    read, write = os.pipe()
    if os.fork() == 0:
        os.close(read)
        return write
    os.close(write)
    os.read(read, 1)
    os._exit(0)


def _guard(shim: int) -> None:
    """Wait for the end of the shim, and end what it left."""
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)  # what is sent to every process is the shim's to obey
    while not _has_ended(shim, *os.waitpid(-1, os.WUNTRACED)):
        pass
    failpoints.hit("guardian.shim-ended")
    kill_descendants(os.environ[TOKEN_VARIABLE])


def _has_ended(shim: int, pid: int, status: int) -> bool:
    """Say whether what was seen of a child is the end of the shim; one that was stopped goes on.

    A stopped shim enforces no limit and hears no kill, while its trainer holds the device.
    """
    if pid == shim and os.WIFSTOPPED(status):
        sys.stderr.write(f"the shim was stopped by signal {os.WSTOPSIG(status)}: continued\n")
        os.kill(shim, signal.SIGCONT)
    return pid == shim and not os.WIFSTOPPED(status)


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

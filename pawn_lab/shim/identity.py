"""Whose a process is: nothing is signalled that is not proven ours. Standard library only.

A PID alone proves nothing, because it is reused. A process is ours when it still runs in the
boot it was recorded in, started at the recorded tick, and carries the trial's token in its
environment. The check runs between opening a pidfd and using it, so the process that is
checked is the process that is signalled.

What a trainer starts may have another environment, session and files. It is told by its mark, a
limit of the kernel's that every child inherits.
"""

import contextlib
import hashlib
import os
import resource
import signal
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pawn_lab.clock import boot_id

TOKEN_VARIABLE = "PAWN_TRIAL_TOKEN"

_RLIMIT_LOCKS = 10
"""Not enforced since Linux 2.4.25, and still inherited: its soft limit is free to hold a mark."""
_MARK_BITS = 60

_ENDED, _STOPPED = frozenset("ZX"), "T"
"""States of a process (proc(5), stat field 3): it only waits to be reaped; a signal stopped it."""


@dataclass(frozen=True)
class ProcessIdentity:
    """A process for ever: its PID, the boot it ran in, when it started, whose trial it served."""

    pid: int
    boot_id: str
    start_ticks: int
    token: str

    @classmethod
    def of_self(cls, token: str) -> "ProcessIdentity":
        """Identify the calling process."""
        return cls(os.getpid(), boot_id(), start_ticks(os.getpid()), token)

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> "ProcessIdentity":
        """Read an identity written by `to_dict`; other keys are passed over."""
        return cls(
            int(value["pid"]),
            str(value["boot_id"]),
            int(value["start_ticks"]),
            str(value["token"]),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the identity as a JSON object."""
        return asdict(self)


def folder_id(path: Path) -> list[int]:
    """Return what tells a folder from its copies, and stays when it is moved: device and inode.

    Raises:
        OSError: no such folder.
    """
    status = path.stat()
    return [status.st_dev, status.st_ino]


def start_ticks(pid: int) -> int:
    """Return when a process started, in clock ticks since boot (proc(5), stat field 22).

    Raises:
        OSError: no such process.
    """
    return int(_stat_fields(pid)[19])


def token_of(pid: int) -> str | None:
    """Return the trial token in a process's environment, or None where it has none."""
    prefix = f"{TOKEN_VARIABLE}=".encode()
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return None
    token = next((e[len(prefix) :] for e in environment if e.startswith(prefix)), None)
    return None if token is None else os.fsdecode(token)  # a stranger's may be any bytes


def is_alive(identity: ProcessIdentity) -> bool:
    """Say whether exactly this process still runs."""
    with _pidfd(identity.pid) as handle:
        return handle is not None and _matches(identity)


def send_signal(identity: ProcessIdentity, number: signal.Signals) -> bool:
    """Signal exactly this process; return False, and signal nothing, when it is not there."""
    with _pidfd(identity.pid) as handle:
        if handle is None or not _matches(identity):
            return False
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(handle, number)
            return True
        return False


def is_stopped(identity: ProcessIdentity) -> bool:
    """Say whether exactly this process is there, and a signal has stopped it."""
    return is_process_stopped(identity.pid) and is_alive(identity)


def is_process_stopped(pid: int) -> bool:
    """Say whether the process of a number is there, and a signal has stopped it."""
    with contextlib.suppress(OSError):
        return _state(pid) == _STOPPED
    return False


def ignores(identity: ProcessIdentity, number: signal.Signals) -> bool:
    """Say whether a signal that this process has been sent is still waiting to be taken."""
    try:
        status = Path(f"/proc/{identity.pid}/status").read_bytes()
    except OSError:
        return False
    pending = next((line for line in status.splitlines() if line.startswith(b"ShdPnd:")), b": 0")
    return is_alive(identity) and bool(int(pending.split()[1], 16) >> (number - 1) & 1)


def mark_this_process(token: str) -> None:
    """Mark this process, and so all that it will start, as of the trial with this token.

    Where the kernel refuses, the token in the environment has to do.
    """
    with contextlib.suppress(OSError, ValueError):
        _, most = resource.getrlimit(_RLIMIT_LOCKS)
        resource.setrlimit(_RLIMIT_LOCKS, (_mark(token), most))


def kill_members(token: str) -> list[int]:
    """SIGKILL every process that carries a trial's token or mark; return their PIDs."""
    return [pid for pid in newest_processes() if pid != os.getpid() and kill_member(pid, token)]


def members(token: str) -> list[int]:
    """Return the PIDs of live processes that carry a trial's token in their environment."""
    own = os.getpid()
    return [pid for pid in process_ids() if pid != own and token_of(pid) == token]


def kill_member(pid: int, token: str) -> bool:
    """SIGKILL a process if it carries a trial's token or mark; say whether it does."""
    with _pidfd(pid) as handle:
        if handle is None or not (is_marked(pid, token) or token_of(pid) == token):
            return False
        if is_marked(pid, token):
            kill_group(pid)
        with contextlib.suppress(ProcessLookupError, PermissionError):  # another user's by now
            signal.pidfd_send_signal(handle, signal.SIGKILL)
        return True


def kill_group(pid: int) -> None:
    """SIGKILL the process group of a trainer's descendant, unless it is our own group.

    The kernel lets no member fork meanwhile, so a process that starts its successor and ends, over
    and over, is met whichever it is by now. Nobody else is in such a group: none is joined from
    another session, and its number is not given out again while it has members.
    """
    with contextlib.suppress(OSError):
        group = os.getpgid(pid)
        if group != os.getpgrp():
            os.killpg(group, signal.SIGKILL)


def is_marked(pid: int, token: str) -> bool:
    """Say whether a live process carries a trial's mark."""
    try:
        limits = Path(f"/proc/{pid}/limits").read_bytes()
        return f" {_mark(token)} ".encode() in limits and _state(pid) not in _ENDED
    except OSError:
        return False


def _mark(token: str) -> int:
    """Return a number that stands for a token and does not tell it: limits are no secret."""
    return int(hashlib.sha256(token.encode()).hexdigest(), 16) % (1 << _MARK_BITS)


def _matches(identity: ProcessIdentity) -> bool:
    try:
        return (
            boot_id() == identity.boot_id
            and start_ticks(identity.pid) == identity.start_ticks
            and token_of(identity.pid) == identity.token
        )
    except OSError:
        return False


def process_ids() -> Iterator[int]:
    """Yield the PID of every process there is."""
    return (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())


def newest_processes() -> list[int]:
    """Return the PID of every process there is, by falling number: mostly, the youngest first."""
    return sorted(process_ids(), reverse=True)


def _state(pid: int) -> str:
    return _stat_fields(pid)[0]


def parent_of(pid: int) -> int:
    """Return the PID of a process's parent (proc(5), stat field 4).

    Raises:
        OSError: no such process.
    """
    return int(_stat_fields(pid)[1])


def _stat_fields(pid: int) -> list[str]:
    """Return the fields of /proc/PID/stat from the third on.

    The second is the name in parentheses, which may itself hold any bytes, parentheses too.
    """
    return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].decode().split()


@contextlib.contextmanager
def _pidfd(pid: int) -> Iterator[int | None]:
    try:
        handle = os.pidfd_open(pid)
    except (ProcessLookupError, OSError):
        yield None
        return
    try:
        yield handle
    finally:
        os.close(handle)

"""Whose a process is: nothing is signalled that is not proven ours. Standard library only.

A PID alone proves nothing, because it is reused. A process is ours when it still runs in the
boot it was recorded in, started at the recorded tick, and carries the trial's token in its
environment. The check runs between opening a pidfd and using it, so the process that is
checked is the process that is signalled.
"""

import contextlib
import os
import signal
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

TOKEN_VARIABLE = "PAWN_TRIAL_TOKEN"


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


def boot_id() -> str:
    """Return the kernel's identifier of this boot."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()


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


def kill_members(token: str) -> list[int]:
    """SIGKILL every process that carries a trial's token; return their PIDs."""
    return [pid for pid in members(token) if _kill_member(pid, token)]


def members(token: str) -> list[int]:
    """Return the PIDs of live processes that carry a trial's token."""
    own = os.getpid()
    return [pid for pid in process_ids() if pid != own and token_of(pid) == token]


def _kill_member(pid: int, token: str) -> bool:
    with _pidfd(pid) as handle:
        if handle is None or token_of(pid) != token:
            return False
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(handle, signal.SIGKILL)
        return True


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

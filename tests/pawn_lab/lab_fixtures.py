"""Labs over stand-in trainers; every process of a test's trials is gone when it ends."""

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from lab_testing import eventually, stand_in

from pawn_lab.lab import Lab
from pawn_lab.shim import identity
from pawn_lab.shim.rules import Limits

OpenLab = Callable[..., Lab]
_PYTHON = Path(sys.executable).resolve()


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A workspace of two CPU slots, cleared of processes afterwards."""
    monkeypatch.setenv("PAWN_CPU_SLOTS", "2")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")  # where there are GPUs, they stay out of it
    root = tmp_path / "workspace"
    yield root
    end_processes_of(root)


def end_processes_of(root: Path) -> None:
    """Kill every shim and scheduler pass of a workspace; their trainers die with them.

    Repeated until there is none, it also ends what a scheduler pass starts meanwhile.
    """

    def is_ended() -> bool:
        for pid in processes_of(root):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return is_deserted(root)

    eventually(is_ended, f"end of the processes of {root}")


def wait_until_deserted(root: Path) -> None:
    """Wait for the end of a workspace's shims and scheduler passes."""
    eventually(lambda: is_deserted(root), f"end of the processes of {root}")


def is_deserted(root: Path) -> bool:
    """Say whether no process is, or may be becoming, a workspace's shim or scheduler pass.

    A guardian becomes a scheduler pass, and in the middle of that shows no arguments.
    """
    return not any(_may_be_of(root, pid) for pid in identity.process_ids())


def _may_be_of(root: Path, pid: int) -> bool:
    if line := command_line(pid):
        return str(root) in line
    with contextlib.suppress(OSError):  # one of the kernel, or that has ended
        return Path(f"/proc/{pid}/exe").readlink() == _PYTHON
    return False


def processes_of(root: Path) -> list[int]:
    """Return the shims and scheduler passes of a workspace."""
    return [pid for pid in identity.process_ids() if str(root) in command_line(pid)]


def command_line(pid: int) -> str:
    """Return a process's arguments, empty for one that is gone."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8", errors="replace")
    return ""


@pytest.fixture
def open_lab(workspace: Path) -> Iterator[OpenLab]:
    """Return a function that opens the workspace with a stand-in trainer."""
    labs: list[Lab] = []

    def open_(behaviour: str = "complete", **limits: float) -> Lab:
        labs.append(Lab.open(workspace, trainer=stand_in(behaviour), limits=Limits(**limits)))
        return labs[-1]

    yield open_
    for lab in labs:
        lab.close()

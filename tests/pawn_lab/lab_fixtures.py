"""Labs over stand-in trainers; every process of a test's trials is gone when it ends."""

import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from lab_testing import eventually, stand_in

from pawn_lab.lab import Lab
from pawn_lab.shim import identity
from pawn_lab.shim.rules import Limits

OpenLab = Callable[..., Lab]


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A workspace of two CPU slots, cleared of processes afterwards."""
    monkeypatch.setenv("PAWN_CPU_SLOTS", "2")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")  # where there are GPUs, they stay out of it
    root = tmp_path / "workspace"
    yield root
    eventually(lambda: not kill_processes_of(root), "end of the workspace's processes")


def kill_processes_of(root: Path) -> list[int]:
    """Kill every shim and scheduler pass of a workspace; their trainers die with them.

    Repeated until there is none, it also ends what a scheduler pass starts meanwhile.
    """
    found = processes_of(root)
    for pid in found:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return found


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

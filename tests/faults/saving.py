"""Saves in processes of their own, under strace: to record their system calls or to spoil one.

The processes are forked from one that has already imported everything, so each costs only the
save and the start of strace.
"""

import gc
import multiprocessing
import os
import select
import shutil
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from lab_testing import eventually

from pawn_core.checkpoint import latest_verified, store
from pawn_core.checkpoint.store import Checkpoint
from pawn_core.run_paths import MODEL, OPTIMIZER

SAVED, RAISED, BUG = 0, 10, 20
OF_FILES = "%file,%desc,exit_group"
"""What of a save strace looks at: between two calls on files the disk does not change."""
UNRELATED = frozenset(("select", "pselect6", "mmap"))
"""Calls on descriptors that wait for strace or move the heap: not as many in each save."""
_STARTED_S = 30.0
_processes = multiprocessing.get_context("fork")


class Spoiled(NamedTuple):
    """How the process ended, negative for a signal, and the system calls strace has seen."""

    code: int
    calls: list[str]


class Case(NamedTuple):
    """A save: the version that is there before, and the one to be saved; a version has a step."""

    before: tuple[int, int] | None
    after: tuple[int, int]
    models: int = 0


CASES = {
    "first": Case(None, (1, 1)),
    "next": Case((1, 1), (2, 2)),
    "again": Case((1, 1), (1, 2)),
    "models": Case((1, 1), (2, 2), models=2),
    "models-again": Case((1, 1), (1, 2), models=2),
}


def checkpoint(version: tuple[int, int], models: int = 0) -> Checkpoint:
    """Return a small checkpoint of a step, of one model or of several, told apart by a number."""
    step, number = version
    state, config = {"version": [step, number]}, {"lr": 0.1}
    if models:
        members = {f"m{n}": checkpoint(version) for n in range(models)}
        return Checkpoint(step, {}, state, config, members)
    weights = {"w": torch.full((3, 4), float(number))}
    return Checkpoint(
        step, {MODEL: weights, OPTIMIZER: {"w.exp_avg": torch.ones(3)}}, state, config
    )


def prepare(directory: Path, case: Case) -> Path:
    """Save what is there before the case; return where checkpoints are saved."""
    checkpoints = directory / "run" / "checkpoints"
    directory.mkdir(parents=True)
    if case.before is not None:
        store.save(checkpoints, checkpoint(case.before, case.models))
    return checkpoints


def newest(checkpoints: Path) -> tuple[int, int] | None:
    """Return the version of the newest verified checkpoint, its tensors checked against it."""
    path = latest_verified(checkpoints)
    if path is None:
        return None
    loaded = store.load(path)
    step, number = loaded.training_state["version"]
    for model in loaded.members.values() or [loaded]:
        assert torch.equal(model.model["w"], torch.full((3, 4), float(number)))
    return step, number


def spoil_save(directory: Path, case: Case, *tampering: str) -> Spoiled:
    """Save in another process under strace with these arguments."""
    checkpoints = directory / "run" / "checkpoints"
    wanted = checkpoint(case.after, case.models)
    return under_strace(directory, lambda: store.save(checkpoints, wanted), *tampering)


def check_spoiled(directory: Path, case: Case, *tampering: str) -> Spoiled:
    """Spoil a save: the former or the new checkpoint is the newest; the new if it is told."""
    shutil.rmtree(directory, ignore_errors=True)
    checkpoints = prepare(directory, case)
    spoiled = spoil_save(directory, case, *tampering)
    assert spoiled.code != BUG, "neither saved nor refused in an orderly way"
    allowed = {case.after} if spoiled.code == SAVED else {case.before, case.after}
    assert newest(checkpoints) in allowed, (tampering, spoiled.code, spoiled.calls[-1:])
    return spoiled


def under_strace(directory: Path, action: Callable[[], object], *arguments: str) -> Spoiled:
    """Run an action in a forked process that strace is attached to once it waits to act.

    Attached earlier, strace would count some of the calls with which a process starts.
    """
    trace, said = directory / "strace.txt", directory / "strace.log"
    ours, theirs = socket.socketpair()
    ours.settimeout(_STARTED_S)
    process = _processes.Process(target=_act, args=(action, theirs))
    process.start()
    ours.recv(1)
    argv = ["strace", "-y", "-p", str(process.pid), "-o", str(trace), *arguments]
    with said.open("wb") as log:
        strace = subprocess.Popen(argv, stderr=log)
    try:
        # Said once the process is interrupted: a tracer shows earlier, and misses calls until then.
        eventually(lambda: b"attached" in said.read_bytes() or strace.poll() is not None, "strace")
        ours.send(b"go")
        process.join(_STARTED_S)
        strace.wait(_STARTED_S)
    finally:
        process.kill()
        ours.close()
        theirs.close()
    assert process.exitcode is not None, said.read_text(encoding="utf-8")
    calls = trace.read_text().splitlines()
    for file in (trace, said):
        file.unlink()
    return Spoiled(process.exitcode, calls)


def _act(action: Callable[[], object], gate: socket.socket) -> None:
    gc.disable()  # it would close files of the tests' own process, in some saves
    gate.send(b"!")
    select.select([gate], [], [])
    try:
        action()
    except OSError:
        os._exit(RAISED)
    except BaseException:
        os._exit(BUG)
    os._exit(SAVED)


def require_strace(directory: Path) -> None:
    """Skip, with the reason, where strace is missing or may not attach."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed: the system calls of a save cannot be spoiled")
    directory.mkdir(exist_ok=True)
    prepare(directory / "first", CASES["next"])  # what a save imports is there before any fork
    try:
        under_strace(directory, lambda: None)
    except (AssertionError, OSError) as error:
        pytest.skip(f"strace cannot attach to a process of ours: {error}")

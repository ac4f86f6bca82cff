"""Front ends that die: real processes that call the lab and are killed at a chosen point.

They are forked, so each costs milliseconds; no lab may be open where one is started, since a
SQLite connection does not survive a fork.
"""

import multiprocessing
import os
import signal
from multiprocessing.context import ForkProcess
from pathlib import Path
from typing import Any

from lab_testing import CONFIG, DEADLINE_S, ended, in_state, stand_in

from pawn_lab import failpoints
from pawn_lab.lab import Lab, killing, launching, notebook, sweeping
from pawn_lab.shim.rules import Limits
from pawn_lab.states import State
from pawn_lab.trials.code import code_digest

Call = tuple[str, Any]
"""A call and its argument: launch (a key), launch group (how many seeds), sweep (a plan), kill,
until running or until ended (a trial), note (a text), tick, wait (for ever)."""

code_digest()  # once, for all that are forked
_processes = multiprocessing.get_context("fork")


def start(
    workspace: Path,
    calls: list[Call],
    *,
    behaviour: str = "complete",
    failpoint: str | None = None,
    stops_at: str | None = None,
) -> ForkProcess:
    """Start a front end that makes these calls one after the other.

    It dies at the failpoint of the one name, and is stopped, once, at that of the other.
    """
    environment = {"PAWN_CPU_SLOTS": os.environ["PAWN_CPU_SLOTS"]}
    if failpoint is not None:
        environment[failpoints.VARIABLE] = failpoint
    arguments = workspace, calls, behaviour, environment, stops_at
    process = _processes.Process(target=_run, args=arguments)
    process.start()
    return process


def run(workspace: Path, calls: list[Call], **options: Any) -> int | None:
    """Run a front end to its end and return its exit code, negative for a signal."""
    process = start(workspace, calls, **options)
    process.join(DEADLINE_S)
    assert process.exitcode is not None, "the front end hangs"
    return process.exitcode


def acknowledged(workspace: Path) -> list[str]:
    """Return the idempotency keys of launches that returned to their caller."""
    log = workspace.parent / "acknowledged"
    return log.read_text().split() if log.exists() else []


def _run(
    workspace: Path,
    calls: list[Call],
    behaviour: str,
    environment: dict[str, str],
    stops_at: str | None,
) -> None:
    os.environ.pop(failpoints.VARIABLE, None)
    os.environ.update(environment)
    if stops_at is not None:
        _stop_at(stops_at)
    with Lab.open(workspace, trainer=stand_in(behaviour), limits=Limits(grace_s=0.2)) as lab:
        for name, argument in calls:
            _call(lab, name, argument)


def _stop_at(failpoint: str) -> None:
    """Let the failpoint of that name stop this process instead of killing it."""

    def hit(name: str) -> None:
        if name == failpoint:
            os.kill(os.getpid(), signal.SIGSTOP)

    failpoints.hit = hit


def _call(lab: Lab, name: str, argument: Any) -> None:
    if name == "launch":
        launching.launch(lab, CONFIG, idempotency_key=argument)
        _acknowledge(lab.paths.root, argument)
    elif name == "launch group":
        launching.launch_group(lab, CONFIG, seeds=argument)
    elif name == "sweep":
        sweeping.start(lab, argument)
    elif name == "kill":
        killing.kill(lab, argument)
    elif name == "until running":
        in_state(lab, argument, State.RUNNING)
    elif name == "until ended":
        ended(lab, argument)
    elif name == "note":
        notebook.append(lab, f"{argument}\n")
    elif name == "wait":
        signal.pause()
    else:
        lab.tick()


def _acknowledge(workspace: Path, key: str) -> None:
    handle = os.open(workspace.parent / "acknowledged", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(handle, f"{key}\n".encode())
    os.close(handle)

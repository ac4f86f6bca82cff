"""Starting a claimed trial: its files, then its shim."""

import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pawn_core.durable import sync_file
from pawn_core.threads import SLEEP, WAIT_VARIABLE
from pawn_core.untrusted import open_log
from pawn_lab import failpoints
from pawn_lab.documents import write_json
from pawn_lab.locks import is_current
from pawn_lab.paths import TrialPaths, WorkspacePaths
from pawn_lab.scheduling import provenance
from pawn_lab.scheduling.devices import Device, environment_of
from pawn_lab.shim import environment
from pawn_lab.shim.identity import TOKEN_VARIABLE
from pawn_lab.store.database import Row

HANDSHAKE_TIMEOUT_S = 0.2
"""Past it the caller gets its answer: the trial is `launching`, and `running` at the next look."""


@dataclass(frozen=True)
class Claim:
    """A trial in `launching`, its devices, and its lock, which we hold until the shim does."""

    trial: Row
    devices: list[Device]
    device_count: int
    lock: int

    def release(self) -> None:
        """Let go of our copy of the lock."""
        os.close(self.lock)


def start(workspace: WorkspacePaths, claim: Claim) -> subprocess.Popen[bytes]:
    """Write what the trial needs and start its shim; returns a process to wait for.

    That process ends as soon as the trainer runs, or the shim has died.

    Raises:
        OSError: a file cannot be written or the shim cannot be started.
    """
    paths = workspace.trial(claim.trial["id"])
    if not is_current(claim.lock, paths.alive_lock):
        raise OSError("another front end has taken this launch over")
    _write_files(workspace, paths, claim)
    failpoints.hit("start.files-written")
    handshake = _spawn_shim(workspace, paths, claim)
    failpoints.hit("start.shim-spawned")
    return handshake


def await_starts(handshakes: Iterable[subprocess.Popen[bytes]]) -> None:
    """Wait a moment for trainers to run; a shim that hangs holds its lock and is found by that.

    What takes longer is reaped when it ends, so that no server gathers zombies.
    """
    deadline = time.monotonic() + HANDSHAKE_TIMEOUT_S
    for handshake in handshakes:
        _await_end(handshake, deadline)
        if handshake.returncode is None:
            threading.Thread(target=handshake.wait, daemon=True).start()


def _await_end(process: subprocess.Popen[bytes], deadline: float) -> None:
    """Wait by the kernel's notice: `Popen.wait` with a timeout looks only every 50 ms."""
    ended, poll = os.pidfd_open(process.pid), select.poll()
    try:
        poll.register(ended, select.POLLIN)
        if poll.poll(1e3 * max(0.0, deadline - time.monotonic())):
            process.wait()
    finally:
        os.close(ended)


def _write_files(workspace: WorkspacePaths, paths: TrialPaths, claim: Claim) -> None:
    trial = claim.trial
    write_json(paths.request, trial["config"])
    own = environment.TrialEnvironment.of(_trainer_environment(claim))
    launch: dict[str, Any] = {
        "argv": trainer_argv(workspace, trial),
        "environment": own.shown,
        "masked": own.masked,
        "limits": trial["limits"],
    }
    write_json(paths.launch, launch, mode=0o600)
    provenance.record(paths, trial, claim.devices)
    for folder in (workspace.trials, workspace.root):
        sync_file(folder)


def trainer_argv(workspace: WorkspacePaths, trial: Row) -> list[str]:
    """Return the trainer's command line, to be run in the trial's folder."""
    paths = workspace.trial(trial["id"])
    trainer = distributed(trial["trainer"], trial["config"].get("gpus", 1))
    argv = [*trainer, "--config", paths.request.name, "--run-dir", paths.run.name]
    if trial["checkpoint"] is not None:
        argv += ["--resume", str(workspace.root.resolve() / trial["checkpoint"])]
    return argv


def distributed(trainer: list[str], processes: int) -> list[str]:
    """Return the command that runs a trainer module as so many processes, one a device."""
    if processes == 1 or "-m" not in trainer:
        return trainer
    module = trainer.index("-m")
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    return [*trainer[:module], *launcher, *trainer[module:]]


def _trainer_environment(claim: Claim) -> dict[str, str]:
    return {
        WAIT_VARIABLE: SLEEP,
        **environment.allowed(os.environ),
        **environment_of(claim.devices, claim.device_count),
        "PYTHONUNBUFFERED": "1",
        "PYTHONSAFEPATH": "1",
        TOKEN_VARIABLE: claim.trial["token"],
    }


def _spawn_shim(
    workspace: WorkspacePaths, paths: TrialPaths, claim: Claim
) -> subprocess.Popen[bytes]:
    argv = [sys.executable, "-P", "-m", "pawn_lab.shim.shim"]
    with os.fdopen(open_log(paths.shim_log), "ab") as log:
        return subprocess.Popen(
            [*argv, str(paths.root.resolve()), str(workspace.root.resolve()), str(claim.lock)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=environment.for_shim() | {TOKEN_VARIABLE: claim.trial["token"]},
            cwd="/",
            pass_fds=[claim.lock],
            start_new_session=True,
        )

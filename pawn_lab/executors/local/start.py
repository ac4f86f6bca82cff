"""Starting a trial's shim on this machine, and waiting for its word."""

import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Iterable

from pawn_core.untrusted import open_log
from pawn_lab import failpoints
from pawn_lab.executors import launch_files
from pawn_lab.executors.executor import Claim
from pawn_lab.executors.local.devices import environment_of
from pawn_lab.executors.local.gpus import driver_version
from pawn_lab.paths import WorkspacePaths
from pawn_lab.shim import environment
from pawn_lab.shim.identity import TOKEN_VARIABLE

HANDSHAKE_TIMEOUT_S = 0.2
"""Past it the caller gets its answer: the trial is `launching`, and `running` at the next look."""


def start(workspace: WorkspacePaths, claim: Claim) -> subprocess.Popen[bytes]:
    """Write what the trial needs and start its shim; returns a process to wait for.

    That process ends as soon as the trainer runs, or the shim has died.

    Raises:
        OSError: a file cannot be written or the shim cannot be started.
    """
    confinement = environment_of(claim.devices, claim.device_count)
    launch_files.write(workspace, claim, confinement, driver_version())
    failpoints.hit("start.files-written")
    handshake = _spawn_shim(workspace, claim)
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


def _spawn_shim(workspace: WorkspacePaths, claim: Claim) -> subprocess.Popen[bytes]:
    paths = workspace.trial(claim.trial.id)
    argv = [sys.executable, "-P", "-m", "pawn_lab.shim.shim"]
    with os.fdopen(open_log(paths.shim_log), "ab") as log:
        return subprocess.Popen(
            [*argv, str(paths.root.resolve()), str(workspace.root.resolve()), str(claim.lock)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=environment.for_shim() | {TOKEN_VARIABLE: claim.trial.held_token},
            cwd="/",
            pass_fds=[claim.lock],
            start_new_session=True,
        )

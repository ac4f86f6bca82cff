"""The executor of this machine: liveness is a trial's lock, its end is `exit.json`."""

import signal
import subprocess
import time
from collections.abc import Sequence

from pawn_core.machine import Machine
from pawn_lab.executors.attempt import Attempt, Shim
from pawn_lab.executors.executor import (
    Claim,
    Device,
    DeviceLoad,
    Executor,
    Life,
    NotStarted,
    Settings,
    Sight,
)
from pawn_lab.executors.local import owners
from pawn_lab.executors.local.devices import faults, inventory, load, trial_machine
from pawn_lab.executors.local.start import await_starts, start
from pawn_lab.locks import is_locked, signer
from pawn_lab.paths import WorkspacePaths
from pawn_lab.reporting import exits
from pawn_lab.shim import identity

STOPPED_S, LAUNCH_S = 5.0, 120.0
"""How long a launch may take, of a launcher that is stopped and of one that works."""
_SURVIVORS_TIMEOUT_S = 2.0


class Local(Executor):
    """Runs trials as processes of this machine, which need no front end to go on or to end."""

    def __init__(self, _: Settings = Settings()) -> None:  # noqa: B008 - frozen
        """Take no settings."""

    def devices(self) -> list[Device]:
        """Return the GPUs that can be used, else CPU slots."""
        return inventory()

    def faults(self) -> list[str]:
        """Return the GPUs that no trial can run on, each with the reason."""
        return faults()

    def load(self, devices: Sequence[Device]) -> dict[str, DeviceLoad]:
        """Return the load of the devices that answer, by id."""
        return load(devices)

    def machine(self, devices: Sequence[Device]) -> Machine:
        """Return what trials see of this machine."""
        return trial_machine(devices)

    def start(self, workspace: WorkspacePaths, claims: Sequence[Claim]) -> list[NotStarted]:
        """Start shims as sessions of their own; return the claims of which none was started."""
        handshakes: list[subprocess.Popen[bytes]] = []
        refused = []
        for claim in claims:
            try:
                handshakes.append(start(workspace, claim))
            except OSError as error:
                refused.append(NotStarted(claim, str(error)))
        await_starts(handshakes)
        return refused

    def look(self, attempts: Sequence[Attempt]) -> dict[Attempt, Sight]:
        """Return how attempts are, from their locks and files."""
        return {attempt: _look(attempt) for attempt in attempts}

    def stop(self, attempt: Attempt) -> None:
        """Send SIGTERM to the shim, which passes it on and kills after the grace period."""
        shim = attempt.shim()
        if shim is not None:
            identity.send_signal(shim.identity, signal.SIGTERM)

    def end(self, attempt: Attempt) -> bool:
        """Kill all that carries the token or the mark; False where some cannot be killed now."""
        deadline = time.monotonic() + _SURVIVORS_TIMEOUT_S
        while identity.kill_members(attempt.token):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.01)
        return True

    def tend(self, attempt: Attempt, shim: Shim | None, stop_asked_s: float | None) -> list[str]:
        """Continue owners that were stopped; pass on a kill; end what a dead shim has left."""
        steps = [] if shim is None else list(owners.continue_stopped(shim))
        if stop_asked_s is not None:
            steps += owners.escalate(attempt.token, shim, stop_asked_s)
        if shim is not None and not shim.lives():
            identity.kill_members(attempt.token)  # the lock will tell when they are gone
        return steps

    def recall(self, attempt: Attempt, held_s: float, stop_asked_s: float | None) -> str | None:
        """Take back a launch whose launcher is stopped or hangs; asked to stop or not.

        Without its lock at its place a shim starts no trainer. It says who it is before it looks,
        we take the lock's file away before we look who it is: one of us sees the other.
        """
        launcher = signer(attempt.paths.alive_lock)
        is_stopped = launcher is not None and identity.is_process_stopped(launcher)
        if held_s <= (STOPPED_S if is_stopped else LAUNCH_S):
            return None
        attempt.paths.alive_lock.unlink(missing_ok=True)
        if attempt.shim() is not None:
            return None
        identity.kill_members(attempt.token)
        return "its launcher was stopped or hung"


def _look(attempt: Attempt) -> Sight:
    paths = attempt.paths
    locked = is_locked(paths.alive_lock)  # first: exit.json is written before the lock is freed
    shim = attempt.shim()
    is_copy = shim is not None and shim.is_of_copy(paths)
    if locked or (shim is not None and not is_copy and shim.lives()):  # its lock may be deleted
        return Sight(Life.ALIVE, shim)
    record = exits.read(paths.exit, attempt.token)
    if record is not None:
        return Sight(Life.ENDED, shim, record)
    return Sight(Life.ELSEWHERE if is_copy else Life.GONE, shim)

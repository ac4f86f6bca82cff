"""The process that owns one trainer, from before its start until after its end.

Started as `python -P -m pawn_lab.shim.shim TRIAL_DIRECTORY WORKSPACE LOCK_FD` in a session of
its own. It records who it is, starts the trainer, forwards SIGTERM with a grace period, enforces
limits, kills what the trainer leaves behind and writes `exit.json`. Its guardian, the process above
it, then runs one scheduler pass, so that the queue advances with no server running.

Standard library only: it must start fast and have nothing to break.
"""

import contextlib
import math
import os
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from pawn_core.prctl import adopt_orphans, die_with_parent
from pawn_core.untrusted import open_log
from pawn_lab import failpoints
from pawn_lab.clock import boot_id, uptime_s
from pawn_lab.documents import load_json_object, load_own, write_json
from pawn_lab.locks import is_current
from pawn_lab.paths import WorkspacePaths
from pawn_lab.shim import environment
from pawn_lab.shim.guardian import STOP_SIGNALS, Handover, end_shim, fork_shim, kill_descendants
from pawn_lab.shim.identity import TOKEN_VARIABLE, ProcessIdentity, folder_id, mark_this_process
from pawn_lab.shim.places import held
from pawn_lab.shim.reserve import write_reserved
from pawn_lab.shim.rules import BudgetStop, Divergence, Growth, Hopeless, Limits
from pawn_lab.shim.tail import Tail
from pawn_lab.trial_paths import TrialPaths

POLL_S = 1.0
MOST_OUTCOME_BYTES = 1 << 20
_WATCHED = STOP_SIGNALS | {signal.SIGCHLD}
_CANNOT_EXECUTE = 127


class Trainer:
    """The trainer's process: started, stopped, reaped."""

    def __init__(
        self, pid: int, limits: Limits, paths: TrialPaths, workspace: WorkspacePaths
    ) -> None:
        self.pid = pid
        self.started = time.monotonic()
        self.wait_status: int | None = None
        self.stopped_by: str | None = None
        self._limits = limits
        self._progress = Growth(paths)
        self._tail = Tail(paths.metrics, paths.root)
        self._divergence = Divergence(limits.divergence_factor)
        self._hopeless = Hopeless(paths, workspace.root, limits.forecast_every_s)
        self._budget = BudgetStop(workspace.budget_stop)
        self.evidence: dict[str, Any] = {}
        self._kill_at: float | None = None
        self.forced_after_s: float | None = None
        """How long after its SIGTERM the trainer was killed; None: it was not."""

    def watch(self) -> None:
        """Wait for the trainer's end, passing on signals and enforcing the limits."""
        while self.wait_status is None:
            received = signal.sigtimedwait(_WATCHED, self._patience())
            if received is not None and received.si_signo in STOP_SIGNALS:
                self.stop("signal")
            self._enforce_limits()
            self._reap()

    def stop(self, why: str, evidence: dict[str, Any] | None = None) -> None:
        """Ask the trainer to save and end; once the grace period is over it is killed."""
        if self._kill_at is None:
            self.stopped_by = why
            self.evidence = {name: _rounded(value) for name, value in (evidence or {}).items()}
            self._kill_at = time.monotonic() + self._limits.grace_s
            os.kill(self.pid, signal.SIGTERM)  # our own child, not reaped yet: its PID is its own

    def duration_s(self) -> float:
        """Return how long the trainer has run."""
        return time.monotonic() - self.started

    def _patience(self) -> float:
        if self._kill_at is None:
            return POLL_S
        return max(0.0, min(POLL_S, self._kill_at - time.monotonic()))

    def _enforce_limits(self) -> None:
        limits = self._limits
        if self._kill_at is not None:
            if time.monotonic() >= self._kill_at:
                self._kill_at, self.forced_after_s = math.inf, limits.grace_s
                os.kill(self.pid, signal.SIGKILL)
        elif (most := limits.wall_clock_s) is not None and self.duration_s() > most:
            self.stop("wall_clock", {"limit_s": most, "ran_s": self.duration_s()})
        elif (idle := limits.no_progress_s) is not None and self._progress.idle_s() > idle:
            self.stop("no_progress", {"limit_s": idle, "idle_s": self._progress.idle_s()})
        elif (at := self._budget.at()) is not None and time.time() >= at:
            self.stop("budget", {"spent_at": at, "ran_s": self.duration_s()})
        else:
            self._judge_metrics()

    def _judge_metrics(self) -> None:
        records = self._tail.records()
        if (climb := self._divergence.evidence(records)) is not None:
            self.stop("diverged", climb)
        elif (outlook := self._hopeless.evidence(records)) is not None:
            self.stop("forecast", outlook)

    def _reap(self) -> None:
        with contextlib.suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                if ended[0] == self.pid:
                    self.wait_status = ended[1]


def _rounded(value: Any) -> Any:
    return round(value, 6) if isinstance(value, float) else value


def start_trainer(paths: TrialPaths, launch: dict[str, Any], lock: int) -> int:
    """Fork and execute the trainer in a process group of its own; return its PID.

    It dies with us, and what it starts is told from others by the trial's mark.
    """
    shim = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    try:
        die_with_parent()
        if os.getppid() != shim:
            os._exit(_CANNOT_EXECUTE)
        os.setpgrp()
        mark_this_process(os.environ[TOKEN_VARIABLE])
        _become_trainer(paths, launch, lock)
    except BaseException as error:
        os.write(2, f"cannot start {launch['argv'][0]}: {error}\n".encode())
    os._exit(_CANNOT_EXECUTE)


def _become_trainer(paths: TrialPaths, launch: dict[str, Any], lock: int) -> None:
    log = open_log(paths.log)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.set_inheritable(lock, True)
    os.chdir(paths.root)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _WATCHED)
    os.execve(launch["argv"][0], launch["argv"], environment.unmasked(launch))


def exit_record(paths: TrialPaths, trainer: Trainer, token: str) -> dict[str, Any]:
    """Return what is known about the trainer's end."""
    assert trainer.wait_status is not None
    code = os.waitstatus_to_exitcode(trainer.wait_status)
    return {
        "token": token,
        "code": code if code >= 0 else None,
        "signal": -code if code < 0 else None,
        "stopped_by": trainer.stopped_by,
        "forced_after_s": trainer.forced_after_s,
        "evidence": trainer.evidence,
        "ended_at": time.time(),
        "boot": boot_id(),
        "uptime": uptime_s(),
        "duration_s": round(trainer.duration_s(), 3),
        "outcome": _outcome(paths),
    }


def _outcome(paths: TrialPaths) -> dict[str, Any] | None:
    try:
        return load_json_object(paths.outcome, paths.root, MOST_OUTCOME_BYTES)
    except FileNotFoundError:
        return None
    except OSError as error:
        sys.stderr.write(f"the trainer's outcome is unreadable: {error}\n")
        return None


def run(paths: TrialPaths, workspace: WorkspacePaths, lock: int, given: Handover) -> None:
    """Own the trainer from start to end."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _WATCHED)
    adopt_orphans()
    launch = load_own(paths.launch)
    token = os.environ[TOKEN_VARIABLE]
    failpoints.hit("shim.started")
    identity = ProcessIdentity.of_self(token).to_dict() | {"guardian": given.guardian.to_dict()}
    place = {"folder": folder_id(paths.root)}
    check_launch(paths, launch, lock, token)  # the identity there may be that of another's shim
    write_json(paths.identity, identity | place | {"started_at": time.time(), "uptime": uptime_s()})
    failpoints.hit("shim.identified")
    check_launch(paths, launch, lock, token)  # again: see how supervision takes a launch over
    pid = start_trainer(paths, launch, lock)
    trainer = Trainer(pid, Limits(**launch["limits"]), paths, workspace)
    failpoints.hit("shim.trainer-started")
    os.close(given.ready)
    trainer.watch()
    kill_descendants(token)
    failpoints.hit("shim.trainer-ended")
    write_reserved(paths.exit, paths.reserve, exit_record(paths, trainer, token))
    failpoints.hit("shim.exit-written")


def check_launch(paths: TrialPaths, launch: dict[str, Any], lock: int, token: str) -> None:
    """Start nothing where another front end has taken the launch over.

    Raises:
        RuntimeError: it has; two trainers would share the trial's folder, or a device.
    """
    if not is_current(lock, paths.alive_lock) or launch["environment"][TOKEN_VARIABLE] != token:
        raise RuntimeError("another front end has taken this launch over")


def main() -> None:
    """Run from the arguments the launcher gives."""
    directory, workspace = held(Path(sys.argv[1])), held(Path(sys.argv[2]))
    lock = int(sys.argv[3])
    os.set_inheritable(lock, False)
    given = fork_shim(workspace)
    try:
        run(TrialPaths(directory), WorkspacePaths(workspace), lock, given)
    except Exception:  # a full disk must not stop the queue; without exit.json the trial is lost
        traceback.print_exc()
        kill_descendants(os.environ[TOKEN_VARIABLE])
    end_shim(given.guardian, workspace)


if __name__ == "__main__":
    main()

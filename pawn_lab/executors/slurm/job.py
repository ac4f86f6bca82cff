"""What a job of Slurm is on its node: the process above a trial's guardian and shim.

Run as `python -P -m pawn_lab.executors.slurm.job WORKSPACE TRIAL:TOKEN ...`; a task of an array
takes the one of its index. It takes the trial's lock, tells the shim what the node confines the
trainer to, hands SIGTERM on to it and stays until nothing of the trial is left. A job that Slurm
runs again, because its node failed, goes on from the newest checkpoint, in the same folder.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from pawn_core.prctl import adopt_orphans
from pawn_core.untrusted import open_log
from pawn_lab.documents import load_own, read_json_object, write_json
from pawn_lab.executors.slurm.node import confined, gone_on, node_record, within_time_left
from pawn_lab.locks import try_lock
from pawn_lab.paths import WorkspacePaths
from pawn_lab.shim.guardian import STOP_SIGNALS, kill_descendants
from pawn_lab.shim.identity import (
    TOKEN_VARIABLE,
    ProcessIdentity,
    is_alive,
    is_stopped,
    send_signal,
)
from pawn_lab.trial_paths import TrialPaths

LOCK_S, POLL_S, LOOK_S = 300.0, 0.05, 1.0
"""How long another may hold the trial's lock; how often it is tried; how often owners are seen."""
_SHIM = "pawn_lab.shim.shim"


class Owners:
    """The shim of our trial and its guardian, by their own word."""

    def __init__(self, paths: TrialPaths, token: str) -> None:
        self._paths, self._token = paths, token

    def shim(self) -> ProcessIdentity | None:
        """Return the shim, once it has said who it is."""
        return self._read(read_json_object(self._paths.identity))

    def alive(self) -> list[ProcessIdentity]:
        """Return which of the two live."""
        record = read_json_object(self._paths.identity) or {}
        both = self._read(record), self._read(record.get("guardian"))
        return [owner for owner in both if owner is not None and is_alive(owner)]

    def _read(self, record: Any) -> ProcessIdentity | None:
        with contextlib.suppress(KeyError, TypeError, ValueError):
            owner = ProcessIdentity.from_dict(record)
            return owner if owner.token == self._token else None
        return None


def run(workspace: WorkspacePaths, trial_id: int, token: str) -> int:
    """Run a trial to its end; return 0 once that is recorded, else 1."""
    paths = workspace.trial(trial_id)
    _log_to(paths.shim_log)
    launch = load_own(paths.launch)
    if launch["environment"].get(TOKEN_VARIABLE) != token:
        return _say("another front end has taken this launch over")
    if _has_ended(paths, token):
        return 0
    adopt_orphans()
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS | {signal.SIGCHLD})
    if (lock := _take_lock(paths.alive_lock)) is None:
        return _say(f"another process has held {paths.alive_lock.name} for {LOCK_S:g} s")
    owners = Owners(paths, token)
    if owners.shim() is not None:  # Slurm runs the job again
        launch = gone_on(paths, launch)
    write_json(paths.launch, within_time_left(confined(launch)), mode=0o600)
    write_json(paths.node, node_record(token))
    first = subprocess.Popen(
        [sys.executable, "-P", "-m", _SHIM, str(paths.root), str(workspace.root), str(lock)],
        pass_fds=[lock],
        env=os.environ | {TOKEN_VARIABLE: token},
    )
    os.close(lock)
    _watch(first, owners)
    kill_descendants(token)
    return 0 if _has_ended(paths, token) else 1


def _watch(first: subprocess.Popen[bytes], owners: Owners) -> None:
    """Wait until neither the process that was started nor an owner lives; hand signals on."""
    is_asked = False
    while first.poll() is None or owners.alive():
        received = signal.sigtimedwait(STOP_SIGNALS | {signal.SIGCHLD}, LOOK_S)
        is_asked = is_asked or (received is not None and received.si_signo in STOP_SIGNALS)
        if is_asked and (shim := owners.shim()) is not None:
            is_asked = not send_signal(shim, signal.SIGTERM)
        for owner in owners.alive():
            if is_stopped(owner) and send_signal(owner, signal.SIGCONT):
                _say(f"process {owner.pid} was stopped (SIGSTOP): continued")
        _reap(first.pid)


def _reap(first: int) -> None:
    """Reap the orphans that have ended, but not the process that was started."""
    with contextlib.suppress(ChildProcessError):
        while ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            if ended.si_pid == first:
                return
            os.waitpid(ended.si_pid, 0)


def _take_lock(path: Path) -> int | None:
    """Take the trial's lock once the launcher lets go of it; None: it does not."""
    deadline = time.monotonic() + LOCK_S
    while (lock := try_lock(path)) is None and time.monotonic() < deadline:
        time.sleep(POLL_S)
    return lock


def _has_ended(paths: TrialPaths, token: str) -> bool:
    return (read_json_object(paths.exit) or {}).get("token") == token


def _log_to(path: Path) -> None:
    log = open_log(path)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)


def _say(line: str) -> int:
    sys.stderr.write(f"{line}\n")
    return 1


def main() -> None:
    """Run the trial that the arguments name, of an array the one of our index."""
    trials = sys.argv[2:]
    trial_id, _, token = trials[int(os.environ.get("SLURM_ARRAY_TASK_ID", "0"))].partition(":")
    sys.exit(run(WorkspacePaths(Path(sys.argv[1])), int(trial_id), token))


if __name__ == "__main__":
    main()

"""The process that brings checkpoints, which may take minutes that no call of the lab has.

Run as `python -P -m pawn_lab.executors.hf_jobs.fetch WORKSPACE TRIAL TOKEN`, one an attempt.
"""

import os
import subprocess
import sys
import threading
from pathlib import Path

from pawn_lab.executors.attempt import Attempt
from pawn_lab.executors.hf_jobs import ledger, mirror
from pawn_lab.executors.hf_jobs.hub import Hub, HubError
from pawn_lab.executors.hf_jobs.settings import HfJobsSettings
from pawn_lab.locks import try_lock
from pawn_lab.paths import WorkspacePaths


def start(attempt: Attempt, settings: HfJobsSettings) -> None:
    """Start a process that brings what is lacking, unless one is at it."""
    lock = try_lock(ledger.file_of(attempt).with_suffix(".fetch"))
    if lock is None:
        return
    workspace = ledger.workspace_of(attempt).root
    arguments = [str(workspace), str(attempt.trial_id), attempt.token, settings.model_dump_json()]
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "pawn_lab.executors.hf_jobs.fetch", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        start_new_session=True,
        pass_fds=[lock],  # it is held until that process ends
    )
    os.close(lock)
    threading.Thread(target=process.wait, daemon=True).start()  # no server gathers zombies


def bring(attempt: Attempt, settings: HfJobsSettings) -> None:
    """Bring the finished checkpoints of an attempt that are not here, the newest first.

    Raises:
        HubError, OSError: they cannot be had now.
    """
    hub = Hub(settings)
    files = mirror.listed(hub, attempt.token)
    for name in reversed(mirror.lacking(attempt.paths, files)):
        mirror.bring_checkpoint(attempt.paths, name, files, hub)


def main() -> None:
    """Run from the arguments that `start` gives."""
    workspace, trial_id = WorkspacePaths(Path(sys.argv[1])), int(sys.argv[2])
    attempt = Attempt(trial_id, sys.argv[3], workspace.trial(trial_id))
    try:
        bring(attempt, HfJobsSettings.model_validate_json(sys.argv[4]))
    except HubError as error:
        sys.exit(f"left for later: {error}")


if __name__ == "__main__":
    main()

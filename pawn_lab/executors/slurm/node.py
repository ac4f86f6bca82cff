"""What a node gives a trial: cores, GPUs, time; and the trial that a node runs on. In its job.

Standard library only, but for finding checkpoints where there may be some.
"""

import os
import re
import shutil
import socket
import subprocess
import time
from typing import Any

from pawn_lab.trial_paths import TrialPaths

GPUS = "CUDA_VISIBLE_DEVICES"
SAVE_S = 60.0
"""Of a job's time, what is left for the end of its trial: a last checkpoint, its record."""
_COMMAND_S = 30.0
_TIME = re.compile(r"(?:(?P<days>\d+)-)?(?:(?P<hours>\d+):)?(?P<minutes>\d+):(?P<seconds>\d+)")

Launch = dict[str, Any]


def confined(launch: Launch) -> Launch:
    """Return a launch whose trainer has the cores and GPUs that Slurm has given the job."""
    own = {GPUS: os.environ.get(GPUS, ""), "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
    threads = str(max(1, cores() // max(1, _processes(launch))))
    own |= {"OMP_NUM_THREADS": threads, "RAYON_NUM_THREADS": threads}
    return launch | {"environment": launch["environment"] | own}


def cores() -> int:
    """Return the cores that the job may use: those given to it, and no more than it is bound to."""
    bound = len(os.sched_getaffinity(0))
    given = os.environ.get("SLURM_CPUS_PER_TASK") or os.environ.get("SLURM_CPUS_ON_NODE") or ""
    return min(bound, int(given)) if given.isdecimal() and int(given) else bound


def _processes(launch: Launch) -> int:
    """Return the number of processes that torchrun starts for a trainer."""
    argv = launch["argv"]
    flag = "--nproc-per-node"
    return int(argv[argv.index(flag) + 1]) if flag in argv else 1


def within_time_left(launch: Launch) -> Launch:
    """Return a launch whose shim stops the trainer in time before Slurm ends the job."""
    left_s, limits = time_left_s(), launch["limits"]
    if left_s is None:
        return launch
    most = max(1.0, left_s - limits["grace_s"] - SAVE_S)
    asked = limits["wall_clock_s"]
    return launch | {
        "limits": limits | {"wall_clock_s": min(most, most if asked is None else asked)}
    }


def time_left_s() -> float | None:
    """Return the seconds until Slurm ends the job; None: there is no limit, or none is known."""
    job = os.environ.get("SLURM_JOB_ID", "")
    told = _TIME.fullmatch(_said("squeue", "--noheader", "--format=%L", f"--jobs={job}"))
    if told is None:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in told.groups())
    return float(((days * 24 + hours) * 60 + minutes) * 60 + seconds)


def gone_on(paths: TrialPaths, launch: Launch) -> Launch:
    """Return a launch that goes on where its first node failed: from the newest checkpoint.

    Where nothing was saved it begins again, and what the run has left is put aside.
    """
    from pawn_core.checkpoint.manifest import latest_verified

    newest = latest_verified(paths.checkpoints)
    argv = list(launch["argv"])
    if newest is None:
        if paths.run.exists():
            paths.run.rename(paths.run.with_name(f"{paths.run.name}.{time.time_ns()}"))
        return launch
    if "--resume" in argv:
        at = argv.index("--resume")
        del argv[at : at + 2]
    return launch | {"argv": [*argv, "--resume", str(newest)]}


def node_record(token: str) -> dict[str, Any]:
    """Return where the trial runs: what a later reader needs to tell one run's speed by."""
    return {
        "token": token,
        "job": os.environ.get("SLURM_JOB_ID"),
        "node": socket.gethostname(),
        "restarts": int(os.environ.get("SLURM_RESTART_COUNT") or 0),
        "started_at": time.time(),
        "cores": sorted(os.sched_getaffinity(0)),
        "cores_given": cores(),
        "visible_gpus": os.environ.get(GPUS),
        "gpus": _gpu_uuids(),
    }


def _gpu_uuids() -> list[str]:
    """Return the job's GPUs by UUID: under cgroups every job calls its first one 0."""
    if not os.environ.get(GPUS) or shutil.which("nvidia-smi") is None:
        return []
    query = ("nvidia-smi", "--query-gpu=uuid", "--format=csv,noheader", "-i", os.environ[GPUS])
    return _said(*query).split()


def _said(*argv: str) -> str:
    """Return what a command prints; nothing where it fails."""
    try:
        ended = subprocess.run(
            argv, capture_output=True, text=True, timeout=_COMMAND_S, check=True, errors="replace"
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return ended.stdout.strip()

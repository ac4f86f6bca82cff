"""The environment that trials get: an allow-list, so that no secret travels by accident."""

import os
from collections.abc import Mapping

from pawn_lab import failpoints
from pawn_lab.processes.identity import TOKEN_VARIABLE

ALLOWED = (
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "LANGUAGE",
    "LC_ALL",
    "LC_CTYPE",
    "TZ",
    "TMPDIR",
    "VIRTUAL_ENV",
    "PYTHONPATH",
    "PYTHONHASHSEED",
    "LD_LIBRARY_PATH",
    "XDG_CACHE_HOME",
    "CUDA_HOME",
    "CUDA_CACHE_PATH",
    "CUDA_VISIBLE_DEVICES",
    "NVIDIA_VISIBLE_DEVICES",
    "PYTORCH_CUDA_ALLOC_CONF",
    "TORCHINDUCTOR_CACHE_DIR",
    "TRITON_CACHE_DIR",
    "HF_HOME",
    "HF_TOKEN_PATH",
    "HF_ENDPOINT",
    "TRACKIO_DIR",
    "WANDB_MODE",
    "PAWN_ALLOW_CPU",
    "PAWN_CPU_SLOTS",
)
"""Variables that reach a shim, and through it the trainer and the next scheduler pass."""


def allowed(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the part of an environment that may travel."""
    return {name: environment[name] for name in ALLOWED if name in environment}


def for_shim() -> dict[str, str]:
    """Return the environment of a shim: ours, filtered, and a failpoint meant for it."""
    environment = allowed(os.environ)
    failpoint = os.environ.get(failpoints.VARIABLE, "")
    if failpoint.partition(":")[0] in failpoints.SHIM:
        environment[failpoints.VARIABLE] = failpoint
    return environment


def without_trial() -> dict[str, str]:
    """Return our environment for a process beside the trial, which is none of the trial's own."""
    private = (TOKEN_VARIABLE, failpoints.VARIABLE)
    return {name: value for name, value in os.environ.items() if name not in private}

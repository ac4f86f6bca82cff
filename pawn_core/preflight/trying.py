"""What a preflight does in processes of its own: each function is the work of one.

Each imports what it needs, which no other has to wait for.
"""

import os
import resource
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch

from pawn_core.checkpoint.manifest import latest_verified, verify
from pawn_core.config import ConfigError, RunConfig
from pawn_core.machine import cpu_memory, refusals, this_machine
from pawn_core.metrics import TRAIN, read_records
from pawn_core.run_paths import RunPaths
from pawn_core.runtime import Runtime, resolve_runtime
from pawn_core.signals import StopFlag
from pawn_core.uploads.errors import described, is_permanent
from pawn_core.uploads.registry import destination_named, places

_SIDE = 256
"""Of the matrices that a device multiplies."""


def use_device(config: RunConfig) -> dict[str, Any]:
    """Compute something on the run's device; return what it is.

    Raises:
        ConfigError: the machine cannot honour the config.
    """
    if reasons := refusals(config, this_machine()):
        raise ConfigError("\n".join(reasons))
    runtime = resolve_runtime(config.model_copy(update={"gpus": 1}))
    ones = torch.ones(_SIDE, _SIDE, device=runtime.device)
    total = float((ones @ ones).sum())
    if total != float(_SIDE**3):
        raise ArithmeticError(f"it computes {total} in place of {float(_SIDE**3)}")
    return {"device": _described(runtime)}


def _described(runtime: Runtime) -> str:
    if runtime.device.type != "cuda":
        return f"cpu, torch {torch.__version__}"
    name = torch.cuda.get_device_name(runtime.device)
    return f"{name}, torch {torch.__version__} for CUDA {torch.version.cuda}"


def train_steps(config: RunConfig, folder: Path) -> dict[str, Any]:
    """Do a run that was cut short, as any run is done; return how it ended, and what it took."""
    from pawn_core.training.trainer import run_training

    begin = time.time()
    outcome = run_training(config, folder, None, StopFlag())
    records, _ = read_records(RunPaths(folder).metrics)
    losses = [record["loss"] for record in records if record["type"] == TRAIN and "loss" in record]
    return {
        "reason": outcome.reason,
        "message": outcome.message,
        "steps": outcome.step,
        "losses": len(losses),
        "not_finite": losses.count(None),
        **_paces(records, begin, outcome.step),
        **_memory(config),
    }


def _paces(records: list[dict[str, Any]], begin: float, steps: int) -> dict[str, Any]:
    """Return how long it took to the end of the first step, and the fastest of the later ones."""
    ends: dict[int, float] = {}
    for record in records:
        if record["type"] == TRAIN:
            ends[record["step"]] = record["time"]  # of several models the last one's
    later = [(b - a) / (n - m) for (m, a), (n, b) in pairwise(ends.items())]
    if later:
        return {"step_s": min(later), "start_s": next(iter(ends.values())) - begin}
    times = [record["time"] for record in records]
    return {"step_s": (times[-1] - times[0]) / steps if steps else None, "start_s": None}


def _memory(config: RunConfig) -> dict[str, Any]:
    device = resolve_runtime(config).device
    if device.type == "cuda":
        limit = torch.cuda.get_device_properties(device).total_memory
        most = torch.cuda.max_memory_reserved(device)
        return {"memory_bytes": most, "memory_limit_bytes": limit}
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"memory_bytes": most, "memory_limit_bytes": cpu_memory()}


def read_back(folder: Path) -> dict[str, Any]:
    """Read the run's checkpoint from the disk, write it again, and compare the two bit by bit.

    Raises:
        CheckpointError: it is not whole.
        ArithmeticError: the second is another.
    """
    from pawn_core.checkpoint import store

    saved = latest_verified(RunPaths(folder).checkpoints)
    if saved is None:
        raise ArithmeticError("no whole checkpoint was saved")
    for file in _files(saved):
        _forget(file)
    again = store.save(folder / "again", store.load(saved))
    ours, theirs = verify(saved), verify(again)
    different = [name for name, sha256 in ours.files.items() if theirs.files.get(name) != sha256]
    if different:
        raise ArithmeticError(f"read back it is another: {', '.join(different)}")
    return {"bytes": sum(file.stat().st_size for file in _files(saved)), "name": saved.name}


def _files(checkpoint: Path) -> list[Path]:
    return [path for path in checkpoint.rglob("*") if path.is_file()]


def _forget(file: Path) -> None:
    """Let the system drop what it keeps of a file in memory: the next read is one of the disk."""
    if not hasattr(os, "posix_fadvise"):
        return
    descriptor = os.open(file, os.O_RDONLY)
    try:
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(descriptor)


def write_to_hub(config: RunConfig, run_dir: Path) -> dict[str, Any]:
    """Write a tiny file to each place that the run uploads to, and take it away again.

    Returns what was written to, what refuses, and what cannot be reached at present.
    """
    written, refused, unreachable = [], [], []
    for name, where in places(config.model_dump(mode="json"), run_dir).items():
        try:
            destination = destination_named(name).build(where)
            destination.open()
            destination.try_to_write()
            written.append(where)
        except Exception as error:
            (refused if is_permanent(error) else unreachable).append(f"{where}: {described(error)}")
    return {"written": written, "refused": refused, "unreachable": unreachable}

"""Trainers that die by SIGKILL at a chosen call, cheaply: what they import is imported once.

Processes come from a server that has run nothing: forked from the tests' own process, they would
lack its threads. They start none themselves, which a forked engine would refuse.
"""

import itertools
import multiprocessing
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(["pytest", "pawn_core.training.trainer", "pawn_core.adapters"])
_LONGEST_S = 280


def train_until(
    call: tuple[str, int], raw: Mapping[str, Any], run_dir: Path, prepare: str | None = None
) -> None:
    """Train in a process that is killed as it makes the n-th call of `module:Class.method`.

    `prepare`: a function, `module:name`, that the process calls first.
    """
    environment = {name: v for name, v in os.environ.items() if name.startswith("PAWN_")}
    arguments = (call, dict(raw), run_dir, environment, prepare)
    process = _PROCESSES.Process(target=_train, args=arguments)
    process.start()
    process.join(_LONGEST_S)
    if process.exitcode is None:
        process.kill()
    assert process.exitcode == -signal.SIGKILL, f"it ended by itself: {process.exitcode}"


def _train(
    call: tuple[str, int],
    raw: dict[str, Any],
    run_dir: Path,
    environment: Mapping[str, str],
    prepare: str | None,
) -> None:
    import torch

    from pawn_core.config import parse_config
    from pawn_core.signals import StopFlag
    from pawn_core.training.trainer import run_training

    os.environ.update(environment, RAYON_NUM_THREADS="1")
    torch.set_num_threads(1)
    if prepare:
        resolve_name(prepare)()
    _die_at(*call)
    run_training(parse_config(raw), run_dir, None, StopFlag())


def _die_at(path: str, number: int) -> None:
    owner_path, _, name = path.rpartition(".")
    owner, calls = resolve_name(owner_path), itertools.count(1)
    original = getattr(owner, name)

    def counted(*arguments: Any, **named: Any) -> Any:
        if next(calls) == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return original(*arguments, **named)

    setattr(owner, name, counted)

"""Trainers that die by SIGKILL at a chosen call: started warm, they cost little."""

import itertools
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

_LONGEST_S = 280


def train_until(
    warm: str,
    call: tuple[str, int],
    raw: Mapping[str, Any],
    run_dir: Path,
    prepare: str = "builtins:dict",
) -> None:
    """Train in a process that is killed as it makes the n-th call of `module:Class.method`.

    `prepare`: a function, `module:name`, that the process calls first.
    """
    config = run_dir.with_suffix(".json")
    config.write_text(json.dumps(raw), encoding="utf-8")
    command = [sys.executable, __file__, prepare, *map(str, call), "--config", str(config)]
    environment = os.environ | {"PYTHONPATH": warm, "RAYON_NUM_THREADS": "1"}
    command += ["--run-dir", str(run_dir)]
    ended = subprocess.run(command, env=environment, timeout=_LONGEST_S, check=False)
    assert ended.returncode == -signal.SIGKILL, f"it ended by itself: {ended.returncode}"


def _die_at(path: str, number: int) -> None:
    owner_path, _, name = path.rpartition(".")
    owner, calls = resolve_name(owner_path), itertools.count(1)
    original = getattr(owner, name)

    def counted(*arguments: Any, **named: Any) -> Any:
        if next(calls) == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return original(*arguments, **named)

    setattr(owner, name, counted)


if __name__ == "__main__":
    from pawn_core.cli import main

    resolve_name(sys.argv[1])()
    _die_at(sys.argv[2], int(sys.argv[3]))
    sys.exit(main(sys.argv[4:]))

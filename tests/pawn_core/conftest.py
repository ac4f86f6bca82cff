"""Small real runs that several tests start from."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hub_fixtures import hub, publish
from tiny import TINY

from pawn_core.config import parse_config
from pawn_core.signals import StopFlag

__all__ = ["hub", "publish"]


@pytest.fixture
def tiny() -> dict[str, Any]:
    """Return a config that trains in a tenth of a second."""
    torch.set_num_threads(1)
    return dict(TINY)


@pytest.fixture
def train(tmp_path: Path) -> Callable[..., Any]:
    """Return a function that trains in this process: `train(config, "name", resume=path)`."""
    from pawn_core.training.trainer import run_training

    def run(raw: dict[str, Any], name: str, resume: Path | None = None, stop: Any = None) -> Any:
        return run_training(parse_config(raw), tmp_path / name, resume, stop or StopFlag())

    return run


@pytest.fixture
def spawn(tmp_path: Path) -> Callable[..., subprocess.Popen[str]]:
    """Return a function that starts `python -m pawn_core` with a config and more arguments."""

    def start(raw: dict[str, Any], name: str, *arguments: str) -> subprocess.Popen[str]:
        config = tmp_path / f"{name}.json"
        config.write_text(json.dumps(raw))
        command = [sys.executable, "-m", "pawn_core", "--config", str(config)]
        command += ["--run-dir", str(tmp_path / name), *arguments]
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)

    return start


@pytest.fixture
def spawn_warm(spawn, warm: str, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Return `spawn` with torch imported already; the run has ended once its stderr has."""
    monkeypatch.setenv("PYTHONPATH", warm)
    return spawn


@pytest.fixture
def records() -> Callable[..., list[dict[str, Any]]]:
    """Return a function that reads a run's metrics without what the clock decides."""
    from pawn_core.metrics import read_records

    def read(run_dir: Path, *kinds: str) -> list[dict[str, Any]]:
        found, _ = read_records(run_dir / "metrics.jsonl")
        return [
            {k: v for k, v in record.items() if k != "time" and not k.endswith("_s")}
            for record in found
            if not kinds or record["type"] in kinds
        ]

    return read

"""What the tests of a container's first process share: a container without a container."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from lab_fixtures import end_processes_of

ENTRYPOINT = Path(__file__).parents[2] / "deploy/entrypoint.py"
Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def volume(tmp_path: Path) -> Iterator[Path]:
    """The folder of a volume, cleared of processes afterwards."""
    folder = tmp_path / "volume"
    folder.mkdir()
    yield folder
    end_processes_of(folder)


@pytest.fixture
def container(volume: Path, tmp_path: Path, warm: str) -> Iterator[Start]:
    """Return a function that starts the first process, `container("true", PAWN_CMD=...)`."""
    home = tmp_path / "home"
    home.mkdir()
    kept = {"PATH": os.environ["PATH"], "OMP_NUM_THREADS": "1", "PYTHONPATH": warm}
    kept |= {"HOME": str(home), "PAWN_VOLUME": str(volume), "PAWN_LAB_PORT": "0"}
    kept |= {"PAWN_CPU_SLOTS": "1", "CUDA_VISIBLE_DEVICES": ""}
    started: list[subprocess.Popen[bytes]] = []

    def start(*command: str, **variables: str) -> subprocess.Popen[bytes]:
        with (tmp_path / "container.log").open("ab") as log:
            argv = [sys.executable, str(ENTRYPOINT), *command]
            process = subprocess.Popen(
                argv, env=kept | variables, stderr=log, stdout=log, stdin=subprocess.DEVNULL
            )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(120)

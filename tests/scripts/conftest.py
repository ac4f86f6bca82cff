"""What the tests of scripts share."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

RunScript = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def run(warm: str) -> RunScript:
    """Return a function that runs Python in a folder, `run(SCRIPT, "--flag", cwd=path)`, warm."""
    environment = {"OMP_NUM_THREADS": "1", "RAYON_NUM_THREADS": "1", "PYTHONPATH": warm}

    def start(*command: object, cwd: Path) -> subprocess.CompletedProcess[str]:
        arguments = [sys.executable, *map(str, command)]
        return subprocess.run(
            arguments,
            capture_output=True,
            text=True,
            timeout=250,
            env=os.environ | environment,
            cwd=cwd,
        )

    return start

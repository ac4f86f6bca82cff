"""The official checks of the protocol: Node programs, pinned by `package-lock.json` beside this.

`make test` installs them where there is npm. They bring a Node of their own.
"""

import os
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PROGRAMS = HERE / "node_modules" / ".bin"
TIMEOUT_S = 120

installed = pytest.mark.skipif(
    not (PROGRAMS / "node").exists(),
    reason="the official protocol checks are not installed: npm ci --prefix tests/protocol",
)


def run(home: Path, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a program of the packages to its end, with a home of its own."""
    return subprocess.run(
        [PROGRAMS / "node", PROGRAMS / program, *arguments],
        env=os.environ | {"HOME": str(home), "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )

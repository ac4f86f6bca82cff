"""Pictures of pages: three of each, in the sizes and colours that were asked for."""

import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from curve_labs import add_trial

from pawn_lab.lab import Lab

SCRIPT = Path(__file__).parents[2] / "scripts" / "picture_pages.py"
TIMEOUT_S = 120

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("chromium") is None, reason="no Chromium: make browser"),
]


def size(picture: Path) -> tuple[int, ...]:
    """Return width and height of a PNG image."""
    return struct.unpack(">II", picture.read_bytes()[16:24])


def test_pages_are_pictured_on_screens_and_on_a_phone(tmp_path: Path):
    with Lab.open(tmp_path / "runs") as lab:
        add_trial(lab, [3.0, 2.0, 1.0])
    workspace = ["--workspace", tmp_path / "runs"]
    command = [sys.executable, SCRIPT, *workspace, "--out", tmp_path, "trial"]
    subprocess.run(command, check=True, timeout=TIMEOUT_S)
    sizes = {picture.name: size(picture) for picture in tmp_path.glob("*.png")}
    assert sizes == {
        "trial.png": (1280, 800),
        "trial-dark.png": (1280, 800),
        "trial-phone.png": (375, 812),
    }
    assert (tmp_path / "trial.png").read_bytes() != (tmp_path / "trial-dark.png").read_bytes()

"""The types and the format of the page's modules, by the programs that their authors use."""

import subprocess
from pathlib import Path

import pytest
from node_tools import PROGRAMS

from pawn_lab.page.bundle import STATIC

HERE = Path(__file__).parent
MODULES = HERE / "node_modules"
TIMEOUT_S = 120

pytestmark = pytest.mark.skipif(
    not ((PROGRAMS / "node").exists() and MODULES.exists()),
    reason="the checks of the page's modules are not installed: make node-checks",
)


def said_by(program: str, *arguments: str) -> str:
    """Return what a program says; it is silent where nothing is wrong."""
    ended = subprocess.run(
        [PROGRAMS / "node", MODULES / program, *arguments],
        cwd=HERE,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert ended.returncode in (0, 1, 2), ended.stderr
    return ended.stdout + ended.stderr


def test_the_modules_keep_their_types():
    assert said_by("typescript/bin/tsc", "-p", "tsconfig.json") == ""


def test_the_modules_are_formatted():
    files = [str(file) for kind in ("js", "css") for file in STATIC.rglob(f"*.{kind}")]
    ours = [file for file in files if "/vendor/" not in file]
    command = ("prettier/bin/prettier.cjs", "--config", "package.json", "--list-different")
    assert said_by(*command, *ours) == ""

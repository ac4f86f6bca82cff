"""scripts/check_progress.sh is a check-in that a person can approve once."""

import json
import subprocess
from pathlib import Path

import pytest

from pawn_lab.lab import Lab

SCRIPT = Path(__file__).parents[2] / "scripts" / "check_progress.sh"


def check(*arguments: object) -> str:
    command = [SCRIPT, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    Lab.open(tmp_path / "runs").close()
    return tmp_path / "runs"


def test_it_shows_what_needs_a_decision(workspace):
    assert "headline: No trials yet" in check("--workspace", workspace)


def test_options_go_to_the_command(workspace):
    answer = json.loads(check("--workspace", workspace, "--full", "--json"))
    assert (answer["decide"], answer["waiting"]) == (False, 0)

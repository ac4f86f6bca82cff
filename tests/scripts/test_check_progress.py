"""scripts/check_progress.sh is a check-in that a person can approve once."""

import json
import subprocess
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "scripts" / "check_progress.sh"


def check(*arguments: object) -> str:
    command = [SCRIPT, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout


def test_it_shows_the_status_of_a_workspace(tmp_path):
    assert "headline: No trials yet" in check("--workspace", tmp_path / "runs")


def test_options_go_to_the_command(tmp_path):
    assert json.loads(check("--workspace", tmp_path / "runs", "--json"))["counts"] == {}

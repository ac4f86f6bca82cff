"""scripts/compute_theoretical_ceiling.py prints ceilings and writes them as JSON."""

import json
import os
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "scripts" / "compute_theoretical_ceiling.py"


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, SCRIPT, *map(str, arguments)]
    environment = {**os.environ, "RAYON_NUM_THREADS": "1"}
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment)


def test_the_command_of_the_lab_notes_writes_every_ceiling(tmp_path: Path):
    output = tmp_path / "deep" / "ceiling.json"
    flags = "--n-games 8 --rollouts 4 --sample-rate 0.075 --model-accuracy 0.069 --output"
    done = run(*flags.split(), output)
    assert done.returncode == 0, done.stderr
    assert "8/8 games, 0 s left" in done.stderr
    found = json.loads(output.read_text())
    assert (found["n_games"], found["max_ply"], found["seed"]) == (8, 512, 0)
    ceilings = found["ceilings"]
    kinds = ["unconditional", "naive_conditioned", "mc_lower", "mc_upper"]
    assert list(ceilings["moves"]) == list(ceilings["prefixed"]) == kinds
    pure = ceilings["pure"]["unconditional"]
    assert 0.05 < pure["low"] <= pure["value"] <= pure["high"] < 0.2
    assert pure["model_share"] == 0.069 / pure["value"]
    assert f"pure      unconditional{100 * pure['value']:>13.2f}" in done.stdout


def test_a_bad_argument_is_named(tmp_path: Path):
    refused = run("--n-games", 8, "--rollouts", 3)
    assert refused.returncode == 2
    assert "rollouts must be even, got 3" in refused.stderr

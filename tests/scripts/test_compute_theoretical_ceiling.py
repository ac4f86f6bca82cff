"""scripts/compute_theoretical_ceiling.py prints ceilings and writes them as JSON."""

import json
import os
import signal
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


def test_an_interrupted_computation_goes_on_and_comes_to_the_same(tmp_path: Path):
    flags = "--n-games 60 --rollouts 64 --sample-rate 0.08 --max-ply 120 --parts 60 --output"
    command = [sys.executable, SCRIPT, *flags.split()]
    environment = {**os.environ, "RAYON_NUM_THREADS": "1"}
    broken_off = subprocess.Popen(
        [*command, tmp_path / "resumed.json"], stderr=subprocess.PIPE, text=True, env=environment
    )
    assert broken_off.stderr is not None
    while "games: unconditional" not in broken_off.stderr.readline():
        assert broken_off.poll() is None
    broken_off.send_signal(signal.SIGINT)
    told = broken_off.stderr.read()
    assert broken_off.wait(timeout=60) == 130
    assert "the same command goes on from there" in told
    kept = tmp_path / "resumed.json.sums.safetensors"
    assert kept.exists()
    assert not (tmp_path / "resumed.json").exists()
    before = kept.stat().st_size
    resumed = run(*flags.split(), tmp_path / "resumed.json")
    assert resumed.returncode == 0, resumed.stderr
    assert kept.stat().st_size > before
    assert run(*flags.split(), tmp_path / "whole.json").returncode == 0
    whole = (tmp_path / "whole.json").read_bytes()
    assert (tmp_path / "resumed.json").read_bytes() == whole


def test_games_kept_by_other_rules_are_refused(tmp_path: Path):
    flags = ["--n-games", 4, "--rollouts", 0, "--output", tmp_path / "ceiling.json"]
    assert run(*flags).returncode == 0
    refused = run(*flags, "--seed", 1)
    assert refused.returncode == 2
    assert "was computed with seed 0, not 1: remove it, or write elsewhere" in refused.stderr
    (tmp_path / "ceiling.json.sums.safetensors").write_text("torn")
    assert "holds no sums of ceilings" in run(*flags).stderr


def test_a_bad_argument_is_named(tmp_path: Path):
    refused = run("--n-games", 8, "--rollouts", 3)
    assert refused.returncode == 2
    assert "rollouts must be even, got 3" in refused.stderr
    refused = run("--n-games", 8, "--parts", 0)
    assert refused.returncode == 2
    assert "--n-games 8 in 0 --parts; allowed: 1 or more of each" in refused.stderr

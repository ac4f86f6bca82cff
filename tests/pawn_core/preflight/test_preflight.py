"""A preflight as a process: what it says where all is well, and of each thing that is not."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from real_runs import real_run
from safetensors.torch import load_file, save_file
from tiny import TINY

from pawn_core.preflight.report import PreflightReport

Preflight = Callable[..., PreflightReport]
_GIB = 1 << 30
LONG = TINY | {"total_steps": 1000, "batch_size": 256, "max_seq_len": 64}
"""A hundred steps of it take many seconds."""


@pytest.fixture
def preflight(tmp_path: Path, warm: str) -> Preflight:
    """Return a function that makes a preflight of a config and checks that it leaves nothing."""

    def run(raw: dict[str, Any], *options: str, **limits: int) -> PreflightReport:
        config, folder = tmp_path / "config.json", tmp_path / "trial"
        config.write_text(json.dumps(raw))
        folder.mkdir()
        command = [sys.executable, "-m", "pawn_core.preflight", "--config", str(config)]
        command += ["--folder", str(folder), "--json", *options]
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        environment |= {} if limits else {"PYTHONPATH": warm}
        done = subprocess.run(
            command,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            preexec_fn=lambda: [_limit(n, most) for n, most in limits.items()] and None,
        )
        report = PreflightReport.model_validate_json(done.stdout)
        assert done.returncode == (0 if report.failed is None else 1), done.stderr
        assert list(folder.iterdir()) == []
        return report

    return run


def _limit(name: str, most: int) -> None:
    resource.setrlimit(getattr(resource, name), (most, most))


def failed(report: PreflightReport) -> tuple[str, str]:
    """Return what failed, and why."""
    assert report.failed is not None
    assert report.checks[-1] == report.failed
    return report.failed.name, report.failed.found


def test_a_run_that_is_well_passes_and_is_told_what_it_comes_to(preflight) -> None:
    report = preflight(TINY | {"total_steps": 1000}, "--price", "36")
    names = [check.name for check in report.checks]
    assert names == ["device", "memory", "loss", "steps", "checkpoint", "disk"]
    assert report.failed is None
    assert (report.steps, report.remaining, report.checkpoints) == (3, 1000, 250)
    assert report.step_s is not None
    assert report.start_s is not None
    assert report.whole_s == pytest.approx(report.start_s + 999 * report.step_s)
    assert report.cost == pytest.approx(report.whole_s / 100)


def test_memory_that_does_not_suffice_is_called_so(preflight) -> None:
    large = {"d_model": 4096, "d_ff": 65_536}  # 3 GiB of weights
    name, found = failed(preflight(TINY | large, RLIMIT_AS=4 * _GIB))
    assert name == "memory"
    assert "allocate memory" in found


def test_a_loss_that_is_not_finite_is_found(preflight, tmp_path) -> None:
    config = real_run(tmp_path)
    weights = Path(config["checkpoint"]) / "model.safetensors"
    save_file({n: torch.full_like(t, torch.inf) for n, t in load_file(weights).items()}, weights)
    assert failed(preflight(config))[0] == "loss"


def test_steps_that_take_too_long_are_ended(preflight) -> None:
    name, found = failed(preflight(LONG, "--steps", "100", "--limit-s", "0.1"))
    assert name == "time"
    assert found.endswith(": not over within 0.1 s")


def test_checkpoints_that_do_not_fit_on_the_volume_are_told_before_the_first(preflight) -> None:
    name, found = failed(preflight(TINY | {"total_steps": 10**8, "checkpoint_interval": 1}))
    assert name == "disk"
    assert found.startswith("100000000 x 0.4")


def test_a_device_that_is_not_there_is_found_before_anything_is_tried(preflight) -> None:
    name, found = failed(preflight(TINY | {"device": "cuda:63"}))
    assert name == "device"
    assert "cuda:63" in found


def test_a_config_that_is_refused_is_no_preflight(tmp_path, warm, monkeypatch) -> None:
    (tmp_path / "config.json").write_text(json.dumps(TINY | {"lr": -1}))
    monkeypatch.setenv("PYTHONPATH", warm)
    command = [sys.executable, "-m", "pawn_core.preflight", "--config", "config.json"]
    done = subprocess.run(
        [*command, "--folder", "."], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith("preflight: lr -1 is not allowed")


def test_a_stop_ends_it_with_all_that_it_has_started(tmp_path, warm, monkeypatch) -> None:
    monkeypatch.setenv("PYTHONPATH", warm)
    (tmp_path / "config.json").write_text(json.dumps(LONG))
    command = [sys.executable, "-m", "pawn_core.preflight", "--config", "config.json"]
    command += ["--steps", "100"]
    log = tmp_path / "folder" / "run.preflight" / "log"
    (tmp_path / "folder").mkdir()
    process = subprocess.Popen([*command, "--folder", "folder"], cwd=tmp_path)
    try:
        while not (log.exists() and "started" in log.read_text()):
            assert process.poll() is None
            time.sleep(0.005)
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 143
        assert list((tmp_path / "folder").iterdir()) == []
    finally:
        process.kill()
        process.wait()

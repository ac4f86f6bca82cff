"""`pawn-train --preflight FILE`: a run that is tried first, by the trainer itself."""

import json
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from tiny import TINY

from pawn_core.checkpoint.manifest import verify
from pawn_core.preflight.report import PreflightReport, read_report

PASSED = "passed/shape.json"


@pytest.fixture
def tried(spawn_warm, tmp_path: Path):
    """Return a function that trains after a preflight; returns the exit code and the folder."""
    (tmp_path / "passed").mkdir()

    def run(raw: dict[str, Any], name: str, *arguments: str) -> tuple[int, Path]:
        process = spawn_warm(raw, name, "--preflight", str(tmp_path / PASSED), *arguments)
        process.stderr.read()
        return process.wait(), tmp_path / name

    return run


def report_of(run_dir: Path) -> PreflightReport:
    report = read_report(run_dir / "preflight.json")
    assert report is not None
    return report


def outcome_of(run_dir: Path) -> dict[str, Any]:
    return json.loads((run_dir / "outcome.json").read_text())


def test_the_run_that_follows_is_bitwise_what_it_is_without_a_preflight(
    tried, train, records, tmp_path
) -> None:
    train(TINY, "plain")
    code, run = tried(TINY, "tried")
    assert code == 0
    assert records(run) == records(tmp_path / "plain")
    ours, theirs = (
        verify(p / "checkpoints/step_00000012").files for p in (run, tmp_path / "plain")
    )
    same = ("model.safetensors", "optimizer.safetensors", "config.json")
    assert [ours[name] for name in same] == [theirs[name] for name in same]
    beside = {path.name for path in run.iterdir()} - {
        p.name for p in (tmp_path / "plain").iterdir()
    }
    assert beside == {"preflight.json"}
    assert not (tmp_path / "tried.preflight").exists()


def test_a_shape_that_has_passed_is_not_tried_again_but_its_room_on_the_disk_is(
    tried, tmp_path
) -> None:
    assert tried(TINY, "first")[0] == 0
    first, kept = report_of(tmp_path / "first"), read_report(tmp_path / PASSED)
    assert kept == first
    assert not first.known
    code, second = tried(TINY | {"seed": 1}, "second")
    assert code == 0
    assert report_of(second).known
    assert report_of(second).step_s == first.step_s
    assert [check.name for check in report_of(second).checks] == ["device", "steps", "disk"]
    code, third = tried(TINY | {"total_steps": 10**8, "checkpoint_interval": 1}, "third")
    assert code == 4
    assert report_of(third).failed.name == "disk"
    assert read_report(tmp_path / PASSED) == first


def test_a_preflight_that_fails_ends_the_run_with_what_is_wrong_and_what_mends_it(
    tried, tmp_path
) -> None:
    code, run = tried(TINY | {"device": "cuda:63"}, "run")
    outcome = outcome_of(run)
    assert (code, outcome["reason"], outcome["step"]) == (4, "preflight", 0)
    assert outcome["message"].startswith("preflight, device: ConfigError: device 'cuda:63' does")
    assert "pawn-lab doctor" in outcome["message"]
    assert {path.name for path in run.iterdir()} == {"outcome.json", "preflight.json"}
    assert not (tmp_path / PASSED).exists()


def test_a_resumed_run_counts_what_is_still_to_come(tried, train, tmp_path) -> None:
    train(TINY | {"pause_after_steps": 4}, "part")
    code, run = tried(TINY, "rest", "--resume", str(tmp_path / "part"))
    assert code == 0
    report = report_of(run)
    assert (report.remaining, report.checkpoints) == (8, 2)
    assert outcome_of(run)["step"] == 12


def test_a_signal_in_a_preflight_ends_the_run_as_one_that_was_stopped(spawn_warm, tmp_path) -> None:
    long = TINY | {"batch_size": 256, "max_seq_len": 512, "num_workers": 0}
    process = spawn_warm(long, "run", "--preflight", str(tmp_path / "none"))
    try:
        phase = tmp_path / "run.preflight" / "phase.json"
        while not phase.exists():
            assert process.poll() is None
            time.sleep(0.005)
        told = json.loads((tmp_path / "run" / "phase.json").read_text())
        assert (told["phase"], told["note"]) == ("preflight", "device, 0 s")
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 143
    finally:
        process.kill()
        process.wait()
    outcome = outcome_of(tmp_path / "run")
    assert outcome["reason"] == "signal"
    assert outcome["message"] == "stopped by SIGTERM before the first step"
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["outcome.json"]

"""`pawn-lab preflight`: what it prints, how it ends, and when it does not begin."""

import json
from pathlib import Path

import pytest
from cli_command import Command
from lab_testing import CONFIG, add_running_trial
from tiny import TINY

from pawn_core.config import parse_config
from pawn_lab.lab import Lab, spending
from pawn_lab.store import Database, leases


@pytest.fixture
def command(workspace: Path, warm: str, capsys, monkeypatch, tmp_path: Path) -> Command:
    monkeypatch.setenv("PYTHONPATH", warm)
    (tmp_path / "config.json").write_text(json.dumps(TINY))
    with Lab.open(workspace) as lab:
        spending.set_cost(lab, 7.2)
    monkeypatch.chdir(tmp_path)
    return Command(workspace, capsys, monkeypatch)


def test_it_shows_every_check_and_the_price_of_the_whole(command) -> None:
    answer = command.json("preflight", "--config", "config.json", "--set", "total_steps=1000")
    assert answer["passed"]
    names = [row[0] for row in answer["checks"]["rows"]]
    assert names == ["device", "memory", "loss", "steps", "checkpoint", "disk"]
    assert (answer["steps"], answer["to_come"], answer["checkpoints"]) == (3, 1000, 250)
    assert answer["cost"] == pytest.approx(3.6 * answer["hours"], rel=1e-3)
    assert 0 < answer["memory_gib"] < answer["memory_limit_gib"]


def test_a_check_that_fails_is_exit_code_1_with_what_mends_it(command) -> None:
    many = ("--set", "total_steps=100000000", "--set", "checkpoint_interval=1")
    code, out, _ = command("preflight", "--config", "config.json", *many, "--json")
    answer = json.loads(out)
    assert (code, answer["passed"], answer["checks"]["rows"][-1][:2]) == (1, False, ["disk", False])
    assert "checkpoint_interval" in answer["mend"]


def test_what_is_refused_is_refused_before_anything_runs(command) -> None:
    code, _, err = command("preflight", "--config", "config.json", "--set", "lr=-1")
    assert code == 2
    assert err.startswith("pawn-lab: lr -1 is not allowed")
    code, _, err = command("preflight", "--config", "missing.json")
    assert code == 2
    assert "missing.json" in err


def test_a_lab_whose_devices_are_held_offers_the_queue(command) -> None:
    stored = parse_config(CONFIG).model_dump(mode="json")
    with Lab.open(command.workspace) as lab, add_running_trial(lab, stored) as (trial_id, _):
        with Database.open(lab.paths).write() as tx:
            for device in lab.devices:
                leases.acquire(tx, device.id, trial_id)
        code, _, err = command("preflight", "--config", "config.json")
    assert code == 2
    assert "0 of 2 devices are free" in err
    assert "--on-executor" in err

"""What a job gets is what the trial names, and it finds it where it is."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from lab_testing import CONFIG, make_checkpoint, trial_row

from pawn_core.checkpoint.manifest import verify
from pawn_lab.configs import StoredConfig
from pawn_lab.documents import write_json
from pawn_lab.executors.hf_jobs import node, parcel
from pawn_lab.executors.hf_jobs.settings import HfJobsSettings
from pawn_lab.paths import WorkspacePaths
from pawn_lab.trials.code import code_digest

PYTHON = "/lab/bin/python"


@pytest.fixture
def workspace(tmp_path: Path) -> WorkspacePaths:
    """A workspace with the launch files of trial 7."""
    workspace = WorkspacePaths(tmp_path / "lab")
    paths = workspace.trial(7)
    paths.root.mkdir(parents=True)
    resume = str(workspace.trial(3).checkpoints / "step_00000100")
    environment = {"HOME": "/lab", "HTTPS_PROXY": "[masked]@proxy", "PAWN_TRIAL_TOKEN": "t"}
    environment |= {"PAWN_COMPILED_CACHE": "/lab/compiled"}
    launch = {"argv": [PYTHON, "-m", "pawn_core", "--resume", resume], "environment": environment}
    write_json(paths.launch, launch | {"masked": ["HTTPS_PROXY"], "limits": {}})
    return workspace


def row(workspace: WorkspacePaths, **config):
    """Return trial 7, which goes on from trial 3, with its request in its folder."""
    config = CONFIG | config
    write_json(workspace.trial(7).request, config)
    make_checkpoint(workspace.trial(3).checkpoints, 100)
    given = {"id": 7, "token": "t", "trainer": [PYTHON], "config": StoredConfig(config)}
    given["checkpoint"] = "trials/0003/run/checkpoints/step_00000100"
    return replace(trial_row(config), **given)


def mounted(tmp_path: Path, files: list[parcel.File]) -> Path:
    """Return a folder that holds what was given, as a mounted bucket does."""
    mount = tmp_path / "mount"
    for source, name in files:
        place = mount / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(source if isinstance(source, bytes) else source.read_bytes())
    return mount


def taken(tmp_path: Path, mount: Path):
    """Return the trial's folder as a job has it."""
    order = json.loads((mount / "in/job.json").read_text())
    return node.take(mount, tmp_path / "root", order)


def test_files_and_checkpoints_that_a_trial_names_are_where_its_job_looks(workspace, tmp_path):
    games = tmp_path / "games of mine.pgn"
    games.write_text("1. e4 *")
    trial = row(workspace, run_type="adapter", pgn=str(games), checkpoint="owner/model")
    paths = taken(tmp_path, mounted(tmp_path, parcel.files(workspace, trial, 15.0)))
    request = json.loads(paths.request.read_text())
    assert Path(request["pgn"]).read_text(encoding="utf-8") == "1. e4 *"
    assert request["pgn"] != str(games)
    assert request["checkpoint"] == "owner/model"
    launch = json.loads(paths.launch.read_text())
    assert launch["argv"][0] != PYTHON
    resume = Path(launch["argv"][-1])
    assert resume.is_relative_to(tmp_path / "root")
    assert verify(resume).step == 100


def test_the_environment_of_the_labs_machine_stays_there(workspace, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", "/job")
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    files = parcel.files(workspace, row(workspace), 15.0)
    given = b"".join(source for source, _ in files if isinstance(source, bytes))
    assert b'/lab"' not in given.replace(str(workspace.root).encode(), b"")
    paths = taken(tmp_path, mounted(tmp_path, files))
    launch = json.loads(paths.launch.read_text())
    assert launch["environment"]["HOME"] == "/job"
    assert launch["environment"]["PAWN_TRIAL_TOKEN"] == "t"
    assert launch["environment"].keys() & {"HTTPS_PROXY", "HF_TOKEN"} == set()
    assert "/lab/compiled" not in launch["environment"].values()


def test_a_job_with_other_code_than_the_labs_does_not_begin(workspace, tmp_path):
    mount = mounted(tmp_path, parcel.files(workspace, row(workspace), 15.0))
    order = json.loads((mount / "in/job.json").read_text())
    assert order["code_sha256"] == code_digest()
    with pytest.raises(node.Refusal, match=r"the code here is .*, the lab's is 0000"):
        node.take(mount, tmp_path / "root", order | {"code_sha256": "0" * 64})


def test_a_bucket_that_cannot_be_written_is_found_before_anything_is_trained(workspace, tmp_path):
    mount = mounted(tmp_path, parcel.files(workspace, row(workspace), 15.0))
    (mount / "out").write_text("in the way")
    with pytest.raises(node.Refusal, match="the bucket cannot be written"):
        taken(tmp_path, mount)


def test_a_program_of_this_machine_cannot_travel(workspace):
    trial = row(workspace, run_type="sft", stockfish_path="/usr/games/stockfish")
    with pytest.raises(OSError, match="stockfish_path '/usr/games/stockfish' is of this machine"):
        parcel.files(workspace, trial, 15.0)


def test_what_a_job_installs_is_what_is_installed_here():
    settings = HfJobsSettings(flavor="l4x1", namespace="owner")
    [_, _, script] = parcel.command(settings)
    assert script.endswith("exec /tmp/pawn-env/bin/python /pawn/in/start.py /pawn")
    pins = parcel._requirements().splitlines()
    assert any(pin.startswith("torch==") and "+" not in pin for pin in pins)
    assert not any(pin.startswith(("pawn", "trackio")) for pin in pins)

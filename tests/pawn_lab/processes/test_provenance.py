"""What a trial ran with is recorded, and nothing that is nobody's business."""

import hashlib
import json
import subprocess
from importlib.metadata import version
from pathlib import Path

import pytest
from lab_testing import CONFIG, ended

from pawn_lab.processes import provenance

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def recorded(open_lab, monkeypatch):
    """The provenance of a trial launched with a secret in the environment."""
    monkeypatch.setenv("HF_TOKEN", "hf_canary")
    lab = open_lab("complete")
    ended(lab, lab.launch(CONFIG | {"seed": 3}).id)
    return lab.paths.trial(1)


def test_commit_packages_device_and_seeds_are_recorded(recorded):
    found = json.loads(recorded.provenance.read_text())
    head = ["git", "-C", str(ROOT), "rev-parse", "HEAD"]
    commit = subprocess.run(head, capture_output=True, text=True, check=False).stdout.strip()
    assert found["commit"] == (commit or None)
    assert found["packages"]["torch"] == version("torch")
    assert (found["device"], found["driver"]) == ("cpu:0", None)
    assert found["seeds"] == {"seed": 3, "data_seed": 3, "val_seed": 1_000_000_007}


def test_no_secret_of_the_environment_is_recorded(recorded):
    assert all(b"hf_canary" not in f.read_bytes() for f in recorded.root.iterdir() if f.is_file())


def test_code_that_differs_from_its_commit_is_kept_as_a_patch(open_lab, monkeypatch):
    answers = {"diff": b"-old\n+new\n", "rev-parse": b"abc123\n"}
    monkeypatch.setattr(provenance, "_git", lambda *arguments: answers[arguments[0]])
    lab = open_lab("complete")
    ended(lab, lab.launch(CONFIG).id)
    found = json.loads(lab.paths.trial(1).provenance.read_text())
    assert lab.paths.trial(1).patch.read_bytes() == answers["diff"]
    assert found["dirty_patch_sha256"] == hashlib.sha256(answers["diff"]).hexdigest()
    assert found["commit"] == "abc123"


def test_sources_outside_a_repository_have_no_commit(open_lab, monkeypatch):
    monkeypatch.setattr(provenance, "_git", lambda *_: None)
    lab = open_lab("complete")
    ended(lab, lab.launch(CONFIG).id)
    found = json.loads(lab.paths.trial(1).provenance.read_text())
    assert (found["commit"], found["dirty_patch_sha256"]) == (None, None)
    assert len(found["code_sha256"]) == 64

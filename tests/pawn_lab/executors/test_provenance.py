"""What a trial ran with is recorded, and nothing that is nobody's business."""

import hashlib
import json
import subprocess
from importlib.metadata import version
from pathlib import Path

import pytest
from lab_testing import CONFIG, ended

from pawn_lab.executors import provenance
from pawn_lab.lab import launching

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def recorded(open_lab, monkeypatch):
    """The provenance of a trial launched with a secret in the environment."""
    monkeypatch.setenv("HF_TOKEN", "hf_canary")
    lab = open_lab("complete")
    ended(lab, launching.launch(lab, CONFIG | {"seed": 3}).id)
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
    ended(lab, launching.launch(lab, CONFIG).id)
    found = json.loads(lab.paths.trial(1).provenance.read_text())
    assert lab.paths.trial(1).patch.read_bytes() == answers["diff"]
    assert found["dirty_patch_sha256"] == hashlib.sha256(answers["diff"]).hexdigest()
    assert found["commit"] == "abc123"


@pytest.fixture
def changed_repository(tmp_path, monkeypatch):
    """A repository of sources with one changed line, in the hands of a user with own programs."""
    root, settings = tmp_path / "code", tmp_path / "gitconfig"
    (root / "pawn_core").mkdir(parents=True)
    program = tmp_path / "program.sh"
    program.write_text(f"#!/bin/sh\necho ran >> {tmp_path}/ran\necho not a patch\n")
    program.chmod(0o755)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    (root / "pawn_core" / "run.py").write_text("lr = 1\n")
    (root / ".gitattributes").write_text("*.py diff=mine\n")
    git = ["git", "-C", str(root), "-c", "user.name=me", "-c", "user.email=me@example.org"]
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-qm", "first"]):
        subprocess.run([*git, *arguments], check=True)
    (root / "pawn_core" / "run.py").write_text("lr = 2\n")
    settings.write_text(
        f"[diff]\n external = {program}\n noprefix = true\n mnemonicPrefix = true\n"
        f'[diff "mine"]\n textconv = {program}\n command = {program}\n'
        f"[color]\n ui = always\n[core]\n fsmonitor = {program}\n"
    )
    monkeypatch.setattr(provenance, "_repository", lambda: root)
    return root


def test_a_patch_is_one_that_applies_whatever_the_user_has_set_for_git(
    open_lab, changed_repository, tmp_path, monkeypatch
):
    lab = open_lab("complete")
    ended(lab, launching.launch(lab, CONFIG).id)
    patch = lab.paths.trial(1).patch
    assert not (tmp_path / "ran").exists()
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    subprocess.run(["git", "-C", changed_repository, "apply", "-R", patch], check=True)
    assert (changed_repository / "pawn_core" / "run.py").read_text() == "lr = 1\n"


def test_sources_outside_a_repository_have_no_commit(open_lab, monkeypatch):
    monkeypatch.setattr(provenance, "_git", lambda *_: None)
    lab = open_lab("complete")
    ended(lab, launching.launch(lab, CONFIG).id)
    found = json.loads(lab.paths.trial(1).provenance.read_text())
    assert (found["commit"], found["dirty_patch_sha256"]) == (None, None)
    assert len(found["code_sha256"]) == 64

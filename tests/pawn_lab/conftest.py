"""Fixtures of the lab's tests: labs over stand-in trainers, and one finished study of real ones."""

import shutil
from pathlib import Path

import pytest
from lab_fixtures import open_lab, wait_until_deserted, workspace
from lab_testing import TOY, ended

from pawn_lab.lab import Lab, launching, resuming, spending

__all__ = ["open_lab", "study", "workspace"]


@pytest.fixture(scope="session")
def study(warm: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished study, never changed: two learning rates paused, the first resumed, and a boost.

    Trials 1 and 2 are paused at step 4, 3 is completed with `mate_boost`, 4 continues 1.
    """
    root = tmp_path_factory.mktemp("study") / "runs"
    with pytest.MonkeyPatch.context() as patch, Lab.open(root) as lab:
        _set_up(patch, warm)
        spending.set_cost(lab, 3.6)
        for lr in (1e-3, 1e-5):
            launching.launch(lab, TOY | {"lr": lr, "pause_after_steps": 4}, tags=["plain"])
        launching.launch(
            lab, TOY | {"mate_boost": 1.0}, tags=["mate-boost"], hypothesis="Shorter games."
        )
        for trial_id in (1, 2, 3):
            ended(lab, trial_id)
        ended(lab, resuming.resume(lab, 1).id)
    # The last shim still makes a scheduler pass, whose database would close under a copy.
    wait_until_deserted(root)
    return root


@pytest.fixture
def study_copy(study: Path, warm: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The finished study, to be changed; trials that are added to it are warm too."""
    _set_up(monkeypatch, warm)
    shutil.copytree(study, tmp_path / "runs")
    return tmp_path / "runs"


def _set_up(patch: pytest.MonkeyPatch, warm: str) -> None:
    """Let trials be warm, on two devices whatever the machine has."""
    patch.setenv("PYTHONPATH", warm)
    patch.setenv("PAWN_CPU_SLOTS", "2")
    patch.setenv("CUDA_VISIBLE_DEVICES", "")

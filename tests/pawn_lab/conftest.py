"""Labs over stand-in trainers, and one finished study of real ones.

Every process of a test's trials is gone when it ends.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from lab_testing import ended, eventually, stand_in

from pawn_lab import identity
from pawn_lab.durable import read_json_object
from pawn_lab.lab import Lab
from pawn_lab.paths import TrialPaths
from pawn_lab.shim import Limits

OpenLab = Callable[..., Lab]

TOY: dict[str, Any] = {
    "run_type": "pretrain",
    "variant": "toy",
    "max_seq_len": 32,
    "batch_size": 4,
    "total_steps": 8,
    "eval_interval": 2,
    "log_interval": 1,
    "val_games": 8,
    "device": "cpu",
    "no_compile": True,
    "num_workers": 0,
    "local_checkpoints": True,
}


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A workspace of two CPU slots, cleared of processes afterwards."""
    monkeypatch.setenv("PAWN_CPU_SLOTS", "2")
    root = tmp_path / "workspace"
    yield root
    for folder in (root / "trials").glob("*"):
        clear(TrialPaths(folder))


def clear(paths: TrialPaths) -> None:
    """Kill what is left of a trial."""
    record = read_json_object(paths.identity)
    if record is not None:
        eventually(lambda: not identity.kill_members(record["token"]), "end of the trial")


@pytest.fixture
def open_lab(workspace: Path) -> Iterator[OpenLab]:
    """Return a function that opens the workspace with a stand-in trainer."""
    labs: list[Lab] = []

    def open_(behaviour: str = "complete", **limits: float) -> Lab:
        labs.append(Lab.open(workspace, trainer=stand_in(behaviour), limits=Limits(**limits)))
        return labs[-1]

    yield open_
    for lab in labs:
        lab.close()


@pytest.fixture(scope="session")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished study, never changed: two learning rates paused, the first resumed, and a boost.

    Trials 1 and 2 are paused at step 4, 3 is completed with `mate_boost`, 4 continues 1.
    """
    root = tmp_path_factory.mktemp("study") / "runs"
    with Lab.open(root) as lab:
        lab.set_cost(3.6)
        for lr in (1e-3, 1e-5):
            lab.launch(TOY | {"lr": lr, "pause_after_steps": 4}, tags=["plain"])
        lab.launch(TOY | {"mate_boost": 1.0}, tags=["mate-boost"], hypothesis="Shorter games.")
        for trial_id in (1, 2, 3):
            ended(lab, trial_id)
        ended(lab, lab.resume(1).id)
    return root

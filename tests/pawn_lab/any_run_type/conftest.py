"""A lab that runs a run type of the tests' own, and one finished study of it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import answering
import pytest
from answering import ITEMS
from lab_fixtures import end_processes_of, wait_until_deserted
from lab_testing import ended
from warm_trainers import warm_trainers

from pawn_lab.lab import Lab, launching, queries, resuming


@pytest.fixture(scope="package", autouse=True)
def registered() -> Iterator[None]:
    """Add the run type's one entry, for these tests and the processes that they start."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PAWN_CPU_SLOTS", "4")
        patch.setenv("CUDA_VISIBLE_DEVICES", "")
        patch.setenv("OMP_NUM_THREADS", "1")
        answering.register_everywhere(patch)
        with warm_trainers() as path:
            patch.setenv("PYTHONPATH", path)
            yield


@pytest.fixture(scope="package")
def answered(registered: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished study, never changed.

    Trials 1 to 3 guess once and 4 to 6 three times, with three seeds; 7 and 8 have two choices; 9
    was paused after 7 of 20 items and 10 continues it, 11 is the same without a pause.
    """
    root = tmp_path_factory.mktemp("answered") / "runs"
    with Lab.open(root) as lab:
        launching.launch_group(lab, ITEMS, seeds=3, tags=["once"])
        launching.launch_group(lab, ITEMS | {"tries": 3}, seeds=3, tags=["thrice"])
        launching.launch_group(lab, ITEMS | {"choices": 2}, seeds=2, tags=["easy"])
        short = ITEMS | {"total_items": 20, "seed": 9}
        launching.launch(lab, short | {"pause_after_steps": 7}, tags=["part"])
        ended(lab, 9)
        resuming.resume(lab, 9)
        launching.launch(lab, short, tags=["whole"])
        for trial in queries.trials(lab):
            ended(lab, trial.id)
    wait_until_deserted(root)
    return root


@pytest.fixture
def answered_copy(answered: Path, tmp_path: Path) -> Iterator[Lab]:
    """The finished study, to be changed."""
    root = tmp_path / "runs"
    shutil.copytree(answered, root)
    with Lab.open(root) as lab:
        yield lab
    end_processes_of(root)


@pytest.fixture
def lab(answered: Path) -> Iterator[Lab]:
    """The finished study, to be looked at."""
    with Lab.look(answered) as lab:
        yield lab

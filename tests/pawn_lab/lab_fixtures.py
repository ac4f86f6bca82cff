"""Labs over stand-in trainers; every process of a test's trials is gone when it ends."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from lab_testing import eventually, stand_in

from pawn_lab import identity
from pawn_lab.durable import read_json_object
from pawn_lab.lab import Lab
from pawn_lab.paths import TrialPaths
from pawn_lab.shim import Limits

OpenLab = Callable[..., Lab]


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

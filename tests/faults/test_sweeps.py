"""kill -9 of a front end in the middle of a sweep's move: nothing twice, nothing lost."""

from pathlib import Path

import front_end
import pytest
from lab_testing import CONFIG, eventually
from soundness import assert_sound

from pawn_lab.lab import Lab, queries, sweeping

KILLED = -9
LRS = {"lr": {"low": 1e-5, "high": 1e-1, "log": True}}
TPE = {"config": CONFIG, "space": LRS, "method": "tpe", "points": 5, "parallel": 2}
GRID = {"config": CONFIG, "space": {"lr": [1e-2, 1e-3]}}
ASHA = GRID | {"early_stopping": {"rule": "asha", "first_rung": 500, "factor": 2}}


def finish(workspace: Path, points: int) -> Lab:
    """Let a new front end bring the sweep to its end, and check the workspace."""
    with Lab.open(workspace) as lab:
        eventually(lambda: sweeping.get(lab, 1).state == "completed", "end of the sweep")
        assert_sound(lab)
        sweep = sweeping.get(lab, 1)
        made = [trial.config for trial in queries.trials(lab) if trial.parent is None]
    assert [point.number for point in sweep.points] == list(range(points))
    assert [c["lr"] for c in made] == [p.overrides["lr"] for p in sweep.points]
    return lab


@pytest.mark.parametrize("time", [1, 2])
def test_a_front_end_killed_after_asking_loses_no_point_and_doubles_none(workspace, time):
    failpoint = f"sweep.asked:{time}"
    calls: list[front_end.Call] = [("sweep", TPE), *[("until ended", 1)] * (time > 1)]
    assert front_end.run(workspace, calls, behaviour="study", failpoint=failpoint) == KILLED
    finish(workspace, points=5)


@pytest.mark.parametrize("side", ["before-commit", "after-commit"])
def test_a_sweep_is_made_whole_or_not_at_all(workspace, side):
    calls: list[front_end.Call] = [("sweep", GRID)]
    point = f"new-queued.{side}"
    assert front_end.run(workspace, calls, behaviour="study", failpoint=point) == KILLED
    assert front_end.run(workspace, calls, behaviour="study") == 0
    finish(workspace, points=2)


@pytest.mark.parametrize("side", ["before-commit", "after-commit"])
def test_a_front_end_killed_while_it_promotes_resumes_nobody_twice(workspace, side):
    calls: list[front_end.Call] = [("sweep", ASHA), ("until ended", 1), ("until ended", 2)]
    front_end.run(workspace, calls, behaviour="study", failpoint=f"new-queued.{side}:3")
    finish(workspace, points=2)
    with Lab.open(workspace) as lab:
        resumed = [trial.parent for trial in queries.trials(lab) if trial.parent is not None]
    assert len(resumed) == len(set(resumed)) == 1

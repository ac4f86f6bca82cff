"""kill -9 of a front end, or of a shim, at every named point: nothing acknowledged is lost."""

import signal
from collections.abc import Callable
from pathlib import Path

import front_end
import pytest
from front_end import acknowledged
from lab_testing import eventually, shim_of, trainer_greeting
from soundness import assert_recovers

from pawn_lab import failpoints
from pawn_lab.lab import Lab, queries
from pawn_lab.locks import is_locked
from pawn_lab.paths import WorkspacePaths
from pawn_lab.shim import identity
from pawn_lab.states import State

KILLED = -9
LAUNCH: list[front_end.Call] = [("launch", "first"), ("launch", "second")]
TICK: list[front_end.Call] = [("tick", None)]


@pytest.fixture(autouse=True)
def one_slot(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One trial runs at a time, so that another waits."""
    monkeypatch.setenv("PAWN_CPU_SLOTS", "1")


Prepare = Callable[[Path], None]


def nothing(workspace: Path) -> None:
    """The edge lies on the way of a plain launch."""


def claimed_but_not_started(workspace: Path) -> None:
    """A front end died between the claim and the shim."""
    assert front_end.run(workspace, LAUNCH, failpoint="queued-launching.after-commit") == KILLED


def claimed_three_times(workspace: Path) -> None:
    """Three front ends died there: the last attempt is used up."""
    for calls in (LAUNCH, TICK, TICK):
        killed = front_end.run(workspace, calls, failpoint="queued-launching.after-commit")
        assert killed == KILLED


def one_runs_and_one_waits(workspace: Path) -> None:
    """The only slot is held and a second trial is queued."""
    assert front_end.run(workspace, LAUNCH, behaviour="gate") == 0


def one_runs_for_ever(workspace: Path, failpoint: str | None = None) -> None:
    """A trial runs that ends only when it is killed."""
    assert front_end.run(workspace, LAUNCH[:1], behaviour="hang", failpoint=failpoint) == 0
    with Lab.open(workspace) as lab:
        trainer_greeting(lab, 1)  # from here on it ends by SIGTERM in an orderly way


def recorded_end(behaviour: str) -> Prepare:
    """The exit is recorded but no scheduler pass has seen it: the guardian died in between."""

    def prepare(workspace: Path) -> None:
        gated, point = f"gate:{behaviour}", "guardian.shim-ended"
        assert front_end.run(workspace, LAUNCH[:1], behaviour=gated, failpoint=point) == 0
        (WorkspacePaths(workspace).trial(1).root / "gate").touch()
        wait_for_recorded_end(workspace)

    return prepare


def killed_after_a_request(workspace: Path) -> None:
    """A kill was asked for and carried out, and nobody has seen its end."""
    one_runs_for_ever(workspace, failpoint="guardian.shim-ended")
    assert front_end.run(workspace, [("kill", 1)], failpoint="kill.requested") == KILLED
    with Lab.open(workspace) as lab:
        shim = shim_of(lab, 1)
    assert identity.send_signal(shim, signal.SIGTERM)
    wait_for_recorded_end(workspace)


def wait_for_recorded_end(workspace: Path) -> None:
    """Wait until the exit is recorded and shim and guardian are gone."""
    paths = WorkspacePaths(workspace).trial(1)
    eventually(lambda: paths.exit.exists() and not is_locked(paths.alive_lock), "recorded end")


def all_killed(workspace: Path) -> None:
    """All processes of a running trial were killed at once.

    A guardian that is quicker than the kill dies of its failpoint, before it makes a pass.
    """
    one_runs_for_ever(workspace, failpoint="guardian.shim-ended")
    with Lab.open(workspace) as lab:
        shim = shim_of(lab, 1)
    identity.kill_members(shim.token)
    eventually(lambda: not identity.members(shim.token), "end of the trial's processes")


EDGES: dict[str, tuple[Prepare, list[front_end.Call]]] = {
    "new-queued": (nothing, LAUNCH),
    "queued-launching": (nothing, LAUNCH),
    "queued-killed": (one_runs_and_one_waits, [("kill", 2)]),
    "launching-running": (nothing, [*LAUNCH, ("until running", 1)]),
    "launching-queued": (claimed_but_not_started, TICK),
    "launching-lost": (claimed_three_times, TICK),
    "running-paused": (recorded_end("pause"), TICK),
    "running-completed": (recorded_end("complete"), TICK),
    "running-failed": (recorded_end("crash"), TICK),
    "running-killed": (killed_after_a_request, TICK),
    "running-lost": (all_killed, TICK),
}
OTHER = {
    "open.created": (nothing, LAUNCH),
    "start.lock-taken": (nothing, LAUNCH),
    "start.files-written": (nothing, LAUNCH),
    "start.shim-spawned": (nothing, LAUNCH),
    "kill.requested": (one_runs_for_ever, [("kill", 1)]),
}


def scenario(failpoint: str) -> tuple[Prepare, list[front_end.Call]]:
    """Return how to reach a failpoint of a front end."""
    return OTHER[failpoint] if failpoint in OTHER else EDGES[failpoint.partition(".")[0]]


def kill_front_end_at(workspace: Path, failpoint: str) -> None:
    """Kill a front end there, then recover as the next one would."""
    prepare, calls = scenario(failpoint)
    prepare(workspace)
    # Trials wait at a gate, so no guardian's pass gets to the point in the front end's stead.
    killed = front_end.run(workspace, calls, behaviour="gate", failpoint=failpoint)
    assert killed == KILLED, "never reached"
    promised = acknowledged(workspace)
    with Lab.open(workspace) as lab:
        assert len(queries.trials(lab)) >= len(promised), "an acknowledged launch is gone"
    # A caller without an answer asks again: each key stands for one trial.
    assert front_end.run(workspace, LAUNCH) == 0
    assert_recovers(workspace)
    with Lab.open(workspace) as lab:
        assert len(queries.trials(lab)) == len(LAUNCH)


@pytest.mark.parametrize("failpoint", failpoints.FRONT_END)
def test_a_front_end_killed_there_loses_nothing(workspace, failpoint):
    kill_front_end_at(workspace, failpoint)


@pytest.mark.slow
@pytest.mark.parametrize("repetition", range(25))
@pytest.mark.parametrize("failpoint", failpoints.FRONT_END)
def test_a_front_end_killed_there_many_times_loses_nothing(workspace, failpoint, repetition):
    kill_front_end_at(workspace, failpoint)


@pytest.mark.parametrize("failpoint", failpoints.SHIM)
def test_a_shim_killed_there_leaves_no_process_and_a_state_that_is_known(workspace, failpoint):
    assert front_end.run(workspace, LAUNCH[:1], failpoint=failpoint) == 0
    assert_recovers(workspace)
    with Lab.open(workspace) as lab:
        (trial,) = queries.trials(lab)
    expected = {
        # Nothing had started: it is launched again, by a front end without the failpoint.
        "shim.started": State.COMPLETED,
        "shim.identified": State.LOST,
        "shim.trainer-started": State.LOST,
        "shim.trainer-ended": State.LOST,
        "shim.exit-written": State.COMPLETED,
        "guardian.shim-ended": State.COMPLETED,
    }
    assert trial.state is expected[failpoint]


@pytest.mark.parametrize(("side", "launched"), [("before-commit", 0), ("after-commit", 3)])
def test_a_group_of_seeds_is_launched_whole_or_not_at_all(workspace, side, launched):
    calls: list[front_end.Call] = [("launch group", 3)]
    assert front_end.run(workspace, calls, failpoint=f"new-queued.{side}") == KILLED
    assert_recovers(workspace)
    with Lab.open(workspace) as lab:
        assert len(queries.trials(lab)) == launched

"""What is killed on this machine is killed on a cluster too: shims, front ends, Slurm itself."""

import signal
from pathlib import Path

import front_end
import pytest
from kill_victims import check_killed, kill_victims
from lab_testing import (
    CONFIG,
    ended,
    event_kinds,
    eventually,
    guardian_of,
    in_state,
    make_checkpoint,
    marked,
    nobody_left,
    open_gate,
    shim_of,
    trainer_greeting,
)
from slurm_cluster import Cluster
from soundness import assert_recovers, assert_sound
from test_failpoints import LAUNCH, kill_front_end_at

from pawn_lab import failpoints
from pawn_lab.executors import choice
from pawn_lab.executors.choice import Choice
from pawn_lab.executors.slurm import jobs
from pawn_lab.lab import Lab, launching, queries
from pawn_lab.paths import WorkspacePaths
from pawn_lab.shim import identity
from pawn_lab.states import State

QUICK = ("queued-launching.after-commit", "start.files-written", "start.shim-spawned")
LATE = ("launching-queued", "launching-lost", "running-lost")
"""What one call concludes on this machine: that a job is gone takes two, some time apart."""
SETTINGS = {"device": "cpu", "max_jobs": 1, "absence_s": 0.5}


@pytest.fixture
def workspace(workspace: Path, slurm_cluster: Cluster) -> Path:
    """A workspace whose trials run on a cluster, one at a time."""
    workspace.mkdir()
    choice.write(WorkspacePaths(workspace), Choice(executor="slurm", settings=SETTINGS))
    return workspace


def slow(*values: str) -> list:
    """Return the values of a parameter that belong to the long tier."""
    return [pytest.param(value, marks=pytest.mark.slow) for value in values]


@pytest.mark.parametrize(
    "victim",
    ["shim", "trainer", "guardian+shim", *slow("trainer+shim", "guardian+shim+trainer")],
)
def test_a_killed_process_leaves_a_known_state_and_a_free_device(open_lab, victim):
    check_killed(open_lab, victim)


@pytest.mark.parametrize("victims", ["guardian+shim", *slow("", "shim")])
def test_what_descends_from_a_trainer_ends_with_it(open_lab, victims):
    lab = open_lab("crowd")
    launching.launch(lab, CONFIG)
    trainer_greeting(lab, 1)
    token = shim_of(lab, 1).token
    eventually(lambda: len(marked(token)) > 1, "child of the trainer")
    if victims:
        kill_victims(lab, 1, victims)
    else:
        open_gate(lab, 1)
    assert ended(lab, 1).state is (State.LOST if victims else State.COMPLETED)
    eventually(lambda: nobody_left(lab, 1), "end of the trial's processes")


def test_a_trial_whose_guardian_is_killed_goes_on(open_lab):
    lab = open_lab("gate")
    launching.launch(lab, CONFIG)
    trainer_greeting(lab, 1)
    assert identity.send_signal(guardian_of(lab, 1), signal.SIGKILL)
    open_gate(lab, 1)
    assert ended(lab, 1).state is State.COMPLETED


def test_a_shim_and_a_guardian_that_are_stopped_are_continued(open_lab):
    lab = open_lab("gate")
    launching.launch(lab, CONFIG)
    trainer_greeting(lab, 1)
    for owner in (guardian_of(lab, 1), shim_of(lab, 1)):
        assert identity.send_signal(owner, signal.SIGSTOP)
    open_gate(lab, 1)
    assert ended(lab, 1).state is State.COMPLETED


@pytest.mark.parametrize(
    "failpoint",
    [
        *QUICK,
        *slow(*(p for p in failpoints.FRONT_END if p not in QUICK and not p.startswith(LATE))),
    ],
)
def test_a_front_end_killed_there_loses_nothing_and_submits_nothing_twice(workspace, failpoint):
    kill_front_end_at(workspace, failpoint)
    eventually(lambda: all(job.ended for job in jobs.listed().values()), "end of all jobs")


STATE_OF = {
    "shim.started": State.COMPLETED,
    "shim.identified": State.LOST,
    "shim.trainer-ended": State.LOST,
    "shim.exit-written": State.COMPLETED,
}
"""Of a trial whose shim was killed there: launched again where nothing had started."""


@pytest.mark.parametrize(
    "failpoint",
    ["shim.started", "shim.exit-written", *slow("shim.identified", "shim.trainer-ended")],
)
def test_a_shim_killed_there_leaves_no_process_and_a_state_that_is_known(workspace, failpoint):
    assert front_end.run(workspace, LAUNCH[:1], failpoint=failpoint) == 0
    assert_recovers(workspace)
    with Lab.open(workspace) as lab:
        assert queries.trial(lab, 1).state is STATE_OF[failpoint]


def test_a_controller_that_is_dead_ends_no_trial_and_the_queue_waits_for_it(
    open_lab, slurm_cluster
):
    lab = open_lab("gate")
    launching.launch(lab, CONFIG)
    trainer_greeting(lab, 1)
    slurm_cluster.kill("slurmctld", signal.SIGTERM)
    launching.launch(lab, CONFIG | {"seed": 1})
    assert "Slurm does not answer" in queries.device_faults(lab)[0]
    assert queries.trial(lab, 1).state is State.RUNNING
    open_gate(lab, 1)
    assert ended(lab, 1).state is State.COMPLETED
    assert queries.trial(lab, 2).state is State.QUEUED
    slurm_cluster.start_controller()
    in_state(lab, 2, State.RUNNING)
    assert event_kinds(lab, 2).count("launching") == 1
    open_gate(lab, 2)
    assert ended(lab, 2).state is State.COMPLETED
    assert_sound(lab)


def test_a_controller_killed_before_it_saved_runs_no_trial_twice(open_lab, slurm_cluster):
    """It may have the running job in its queue again, and start it a second time."""
    lab = open_lab("gate")
    launching.launch(lab, CONFIG)
    trainer_greeting(lab, 1)
    slurm_cluster.kill("slurmctld")
    slurm_cluster.start_controller()
    open_gate(lab, 1)
    assert ended(lab, 1).state is State.COMPLETED
    assert_sound(lab)


def test_a_controller_that_lost_its_state_loses_no_trial(open_lab, slurm_cluster):
    lab = open_lab("gate")
    launching.launch(lab, CONFIG)
    trainer_greeting(lab, 1)
    make_checkpoint(lab.paths.trial(1).checkpoints, 100)
    slurm_cluster.kill("slurmctld")
    slurm_cluster.start_controller(forgetful=True)
    lost = ended(lab, 1)
    assert lost.state in (State.LOST, State.FAILED)
    assert "its newest checkpoint is of step 100" in lost.exit.message
    eventually(lambda: nobody_left(lab, 1), "end of the trial's processes")
    launching.launch(lab, CONFIG | {"seed": 1})
    in_state(lab, 2, State.RUNNING)
    open_gate(lab, 2)
    assert ended(lab, 2).state is State.COMPLETED
    assert_sound(lab)

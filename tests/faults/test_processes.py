"""kill -9 of a shim, of a trainer, of both, and of the front end that launched them."""

import random
import shutil
import signal
from pathlib import Path

import front_end
import pytest
from kill_victims import ALLOWED_ENDS, check_killed, kill_victims
from lab_fixtures import wait_until_deserted
from lab_testing import (
    CONFIG,
    ended,
    eventually,
    guardian_of,
    identity_of,
    in_state,
    marked,
    nobody_left,
    open_gate,
    shim_of,
    trainer_greeting,
)
from soundness import assert_sound

from pawn_lab.lab import Lab, killing, launching, queries
from pawn_lab.locks import is_locked
from pawn_lab.paths import WorkspacePaths
from pawn_lab.shim import identity
from pawn_lab.states import State


@pytest.mark.parametrize("repetition", range(3))
@pytest.mark.parametrize("victim", ALLOWED_ENDS)
def test_a_killed_process_leaves_a_known_state_and_a_free_device(open_lab, victim, repetition):
    check_killed(open_lab, victim)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(200))
def test_killed_processes_leave_known_states(open_lab, seed):
    check_killed(open_lab, random.Random(seed).choice(list(ALLOWED_ENDS)))


def test_a_device_is_not_free_while_a_process_of_its_trial_lives(open_lab):
    lab = open_lab("hang")
    trial_id = launching.launch(lab, CONFIG).id
    trainer = trainer_greeting(lab, trial_id)["pid"]
    token = shim_of(lab, trial_id).token
    stopped = identity_of(trainer, token)
    assert identity.send_signal(stopped, signal.SIGSTOP)
    killing.kill(lab, trial_id)
    assert queries.trial(lab, trial_id).state is State.RUNNING
    assert queries.devices(lab)[0].trial_id == trial_id
    assert identity.send_signal(stopped, signal.SIGCONT)
    assert ended(lab, trial_id).state is State.KILLED


def test_children_of_a_trainer_that_lost_its_shim_are_ended_and_the_queue_goes_on(
    open_lab, monkeypatch
):
    """Without any front end, and though they are in sessions and environments of their own."""
    monkeypatch.setenv("PAWN_CPU_SLOTS", "1")
    lab = open_lab("hang with children")
    paths = [lab.paths.trial(launching.launch(lab, CONFIG).id) for _ in range(2)]
    children = trainer_greeting(lab, 1)["children"]
    assert identity.send_signal(shim_of(lab, 1), signal.SIGKILL)
    eventually(paths[1].identity.exists, "start of the next trial, by the guardian")
    assert not [pid for pid in children if Path(f"/proc/{pid}").exists()]
    assert queries.trial(lab, 1).state is State.LOST
    assert_sound(lab)


def test_children_of_a_trainer_that_lost_shim_and_guardian_are_ended_before_their_device_is_free(
    open_lab,
):
    lab = open_lab("hang with children")
    trial_id = launching.launch(lab, CONFIG).id
    trainer_greeting(lab, trial_id)
    token = shim_of(lab, trial_id).token
    assert len(identity.members(token)) == 4  # of the trainer's children one has its environment
    kill_victims(lab, trial_id, "guardian+shim")
    eventually(lambda: len(identity.members(token)) == 1, "death of the trainer")
    assert is_locked(lab.paths.trial(trial_id).alive_lock)
    assert ended(lab, trial_id).state is State.LOST
    assert nobody_left(lab, trial_id)


def test_an_orphan_without_lock_and_token_is_ended_before_its_device_is_given_out(
    open_lab, monkeypatch
):
    monkeypatch.setenv("PAWN_CPU_SLOTS", "1")
    lab = open_lab("orphan")
    launching.launch(lab, CONFIG)
    trainer = trainer_greeting(lab, 1)["pid"]
    token = shim_of(lab, 1).token
    orphans = eventually(lambda: set(marked(token)) - {trainer}, "child of the trainer")
    kill_victims(lab, 1, "guardian+shim")
    in_state(lab, launching.launch(lab, CONFIG).id, State.RUNNING)
    assert not orphans & set(marked(token))
    assert ended(lab, 1).state is State.LOST


@pytest.mark.parametrize("victims", ["", "shim", "guardian+shim"])
@pytest.mark.parametrize("family", ["chain", "chain of sessions", "crowd", "line of sessions"])
def test_what_descends_from_a_trainer_ends_with_it_however_it_goes_on(open_lab, family, victims):
    lab = open_lab(family)
    trial_id = launching.launch(lab, CONFIG).id
    trainer_greeting(lab, trial_id)
    token = shim_of(lab, trial_id).token
    eventually(lambda: len(marked(token)) > 1, "child of the trainer")
    if victims:
        kill_victims(lab, trial_id, victims)
    else:
        open_gate(lab, trial_id)
    assert ended(lab, trial_id).state is (State.LOST if victims else State.COMPLETED)
    assert nobody_left(lab, trial_id)


def test_a_trial_whose_guardian_is_killed_goes_on_and_so_does_the_queue(open_lab, monkeypatch):
    monkeypatch.setenv("PAWN_CPU_SLOTS", "1")
    lab = open_lab("gate")
    second = [lab.paths.trial(launching.launch(lab, CONFIG).id) for _ in range(2)][1]
    trainer_greeting(lab, 1)
    assert identity.send_signal(guardian_of(lab, 1), signal.SIGKILL)
    open_gate(lab, 1)
    eventually(second.identity.exists, "start of the next trial, by the shim itself")
    assert queries.trial(lab, 1).state is State.COMPLETED
    open_gate(lab, 2)
    assert ended(lab, 2).state is State.COMPLETED
    assert_sound(lab)


def test_a_copy_of_the_workspace_leaves_the_trials_of_the_original_alone(open_lab, tmp_path):
    lab = open_lab("gate")
    trial_id = launching.launch(lab, CONFIG).id
    trainer_greeting(lab, trial_id)
    shutil.copytree(lab.paths.root, tmp_path / "copy")
    with Lab.open(tmp_path / "copy") as copy:
        copied = queries.trial(copy, trial_id)
    assert (copied.state, "is a copy" in copied.exit.message) == (State.LOST, True)
    open_gate(lab, trial_id)
    assert ended(lab, trial_id).state is State.COMPLETED
    assert_sound(lab)


def test_a_workspace_that_is_moved_takes_its_running_trial_and_its_queue_along(
    open_lab, workspace, monkeypatch
):
    monkeypatch.setenv("PAWN_CPU_SLOTS", "1")
    lab = open_lab("gate")
    first, second = launching.launch(lab, CONFIG).id, launching.launch(lab, CONFIG | {"seed": 1}).id
    trainer_greeting(lab, first)
    lab.close()
    moved = WorkspacePaths(workspace.with_name("workspace-moved"))
    workspace.rename(moved.root)
    (moved.trial(first).root / "gate").touch()
    eventually(moved.trial(second).identity.exists, "start of the next trial, by no front end")
    assert not workspace.exists()
    with Lab.open(moved.root) as lab:
        assert ended(lab, first).state is State.COMPLETED
        open_gate(lab, second)
        assert ended(lab, second).state is State.COMPLETED
        assert_sound(lab)
    wait_until_deserted(moved.root)
    assert not workspace.exists()


def test_a_trial_whose_files_cannot_be_written_is_given_up_with_the_reason(open_lab, monkeypatch):
    monkeypatch.setenv("PAWN_CPU_SLOTS", "1")
    lab = open_lab("gate")
    first, second = launching.launch(lab, CONFIG).id, launching.launch(lab, CONFIG).id
    lab.paths.trial(second).request.mkdir()
    open_gate(lab, first)
    trial = ended(lab, second)
    assert trial.state is State.LOST
    assert "never started in 3 attempts" in trial.exit.message
    assert "Is a directory" in trial.exit.message
    third = launching.launch(lab, CONFIG).id
    open_gate(lab, third)
    assert ended(lab, third).state is State.COMPLETED
    assert_sound(lab)


def test_a_shim_that_cannot_record_the_end_does_not_stop_the_queue(open_lab, monkeypatch):
    monkeypatch.setenv("PAWN_CPU_SLOTS", "1")
    lab = open_lab("gate")
    launching.launch(lab, CONFIG)
    launching.launch(lab, CONFIG)
    lab.paths.trial(1).exit.mkdir()
    open_gate(lab, 1)
    eventually(lab.paths.trial(2).identity.exists, "start of the next trial, by no front end")
    assert queries.trial(lab, 1).state is State.LOST
    open_gate(lab, 2)
    assert ended(lab, 2).state is State.COMPLETED


def test_the_queue_goes_on_after_the_server_is_killed(workspace: Path):
    calls = [("launch", "first"), ("launch", "second"), ("launch", "third"), ("launch", "fourth")]
    server = front_end.start(workspace, [*calls, ("wait", None)], behaviour="gate")
    eventually(lambda: len(front_end.acknowledged(workspace)) == len(calls), "launches")
    server.kill()
    server.join()
    paths = WorkspacePaths(workspace)
    # Nobody looks at the workspace from here on but the shims themselves.
    for trial_id in (1, 2, 3, 4):
        trial = paths.trial(trial_id)
        eventually(trial.identity.exists, f"start of trial {trial_id}")
        (trial.root / "gate").touch()
        eventually(trial.exit.exists, f"end of trial {trial_id}")
    with Lab.open(workspace) as lab:
        states = [(ended(lab, i).state, ended(lab, i).exit.code) for i in (1, 2, 3, 4)]
        assert states == [(State.COMPLETED, 0)] * 4
        assert_sound(lab)


def test_a_new_server_takes_over_running_trials(workspace: Path):
    server = front_end.start(workspace, [("launch", "first"), ("wait", None)], behaviour="gate")
    eventually(lambda: front_end.acknowledged(workspace), "launch")
    server.kill()
    server.join()
    with Lab.open(workspace) as lab:
        in_state(lab, 1, State.RUNNING)
        open_gate(lab, 1)
        assert ended(lab, 1).exit.code == 0

"""Closing a lab: what runs saves and ends, what is queued stays queued, and nothing is launched."""

import json
import subprocess

import pytest
from lab_testing import CONFIG, PAWN_LAB, ended, eventually, in_state, trainer_greeting

from pawn_lab.lab import Lab, launching, queries
from pawn_lab.lab.closing import closed
from pawn_lab.states import State


@pytest.fixture
def busy(open_lab) -> Lab:
    """A lab on whose two devices trials run, with a third in the queue."""
    lab = open_lab("hang")
    for seed in range(3):
        launching.launch(lab, CONFIG | {"seed": seed})
    for trial_id in (1, 2):
        trainer_greeting(lab, trial_id)
    return lab


def states(lab: Lab) -> list[State]:
    return [queries.trial(lab, trial_id).state for trial_id in (1, 2, 3)]


def test_what_runs_ends_with_the_reason_and_what_is_queued_is_not_launched(busy):
    with closed(busy, "the pod stops", patience_s=60) as (asked, left):
        assert (asked, left) == ([1, 2], [])
        assert states(busy) == [State.KILLED, State.KILLED, State.QUEUED]
        busy.tick()
        assert states(busy)[2] is State.QUEUED
    assert queries.trial(busy, 1).exit.message.startswith("killed: the pod stops")
    busy.tick()
    in_state(busy, 3, State.RUNNING)


def test_a_trial_that_has_not_ended_in_time_is_told(open_lab):
    lab = open_lab("stubborn", grace_s=1)
    launching.launch(lab, CONFIG)
    trainer_greeting(lab, 1)
    with closed(lab, "the pod stops", patience_s=0) as (asked, left):
        assert (asked, left) == ([1], [1])
    assert ended(lab, 1).state is State.KILLED


def test_the_command_keeps_the_lab_closed_until_its_input_ends(busy):
    command = [PAWN_LAB, "close", "--hold", "--json", "--workspace", busy.paths.root]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert json.loads(process.stdout.readline()) == {"asked": [1, 2], "still_running": []}
        busy.tick()
        assert states(busy)[2] is State.QUEUED
        process.stdin.close()
        assert process.wait(30) == 0
    eventually(lambda: busy.tick() or states(busy)[2] is not State.QUEUED, "launch of trial 3")

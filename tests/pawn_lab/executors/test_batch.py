"""What a batch system does that this machine never does: a queue of its own, no answer."""

from pathlib import Path

import pytest
from batch import Batch
from contract import batch_place, open_lab_at
from lab_testing import CONFIG, ended, event_kinds, in_state, nobody_left, open_gate, shim_of

from pawn_lab.executors.attempt import Attempt
from pawn_lab.executors.executor import Life
from pawn_lab.lab import killing, launching, queries
from pawn_lab.states import State


@pytest.fixture
def place(tmp_path: Path):
    """A batch system whose jobs wait until `held` is removed."""
    place = batch_place(tmp_path)
    place.executor().held.touch()
    return place


def test_a_launch_may_wait_in_the_executors_queue_with_no_lab_near(place, workspace):
    with open_lab_at(place, workspace) as lab:
        launching.launch(lab, CONFIG)
    with open_lab_at(place, workspace) as lab:
        for _ in range(5):
            assert queries.trial(lab, 1).state is State.LAUNCHING
        place.executor().held.unlink()
        in_state(lab, 1, State.RUNNING)
        open_gate(lab, 1)
        assert ended(lab, 1).state is State.COMPLETED
        assert event_kinds(lab, 1).count("launching") == 1


def test_a_launch_that_waits_there_is_taken_out_by_a_kill_and_never_runs(place, workspace):
    with open_lab_at(place, workspace) as lab:
        launching.launch(lab, CONFIG)
        assert killing.kill(lab, 1).state is State.KILLED
        messages = [event.message for event in queries.events(lab).events]
        assert "launch interrupted, queued again: it was taken out of the queue" in messages
        place.executor().held.unlink()
        assert not lab.paths.trial(1).identity.exists()
        assert queries.devices(lab)[0].trial_id is None


def test_while_an_executor_cannot_tell_nothing_is_concluded(place, workspace):
    batch: Batch = place.executor()
    batch.held.unlink()
    with open_lab_at(place, workspace) as lab:
        launching.launch(lab, CONFIG)
        in_state(lab, 1, State.RUNNING)
        batch.silent.touch()
        attempt = Attempt(1, shim_of(lab, 1).token, lab.paths.trial(1))
        batch.forget()
        assert batch.look([attempt])[attempt].life is Life.UNKNOWN
        assert queries.trial(lab, 1).state is State.RUNNING
        assert queries.devices(lab)[0].trial_id == 1
        batch.silent.unlink()
        assert ended(lab, 1).state is State.LOST
        assert nobody_left(lab, 1)

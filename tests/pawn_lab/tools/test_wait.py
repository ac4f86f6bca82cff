"""lab_wait: over when something happens, and in good time when nothing does."""

import json
import threading
from types import SimpleNamespace

import pytest
from lab_testing import CONFIG, ended, in_state, open_gate, trainer_greeting

from pawn_lab.errors import InvalidRequestError, UnknownTrialError
from pawn_lab.lab import Lab, launching, queries
from pawn_lab.states import State
from pawn_lab.store.events import KINDS
from pawn_lab.tools.check_in import LATEST_S
from pawn_lab.tools.wait import Waiter, lab_wait, waiter


def test_a_wait_ends_with_the_trial_and_the_next_one_goes_on_from_its_cursor(open_lab, workspace):
    lab = open_lab("gate")
    first, second = launching.launch(lab, CONFIG).id, launching.launch(lab, CONFIG).id
    in_state(lab, second, State.RUNNING)
    opened = threading.Thread(target=open_gate, args=(lab, first))
    opened.start()
    answer = lab_wait(lab, timeout_s=60)
    opened.join()
    assert answer.over == "event"
    assert [(event.trial_id, event.kind) for event in answer.events] == [(first, "completed")]
    assert lab_wait(lab, since=answer.cursor, timeout_s=0).over == "timeout"
    open_gate(lab, second)
    assert lab_wait(lab, since=answer.cursor, timeout_s=60).events[0].trial_id == second
    assert queries.trial(lab, first).state is State.COMPLETED


def test_a_named_trial_that_has_ended_already_is_not_waited_for(open_lab):
    lab = open_lab("complete")
    trial = launching.launch(lab, CONFIG).id
    ended(lab, trial)
    answer = lab_wait(lab, trial_ids=[trial], timeout_s=60)
    assert [event.kind for event in answer.events] == ["completed"]
    after = lab_wait(lab, trial_ids=[trial], since=answer.cursor, timeout_s=60)
    assert (after.over, after.events, after.next_check_s) == ("idle", None, LATEST_S)
    assert after.idle.startswith("2 of 2 devices")


def test_a_wait_for_a_kind_passes_over_other_kinds_and_other_trials(open_lab):
    lab = open_lab("complete")
    first, second = launching.launch(lab, CONFIG).id, launching.launch(lab, CONFIG).id
    ended(lab, first)
    ended(lab, second)
    answer = lab_wait(lab, trial_ids=[second], until="running", timeout_s=60)
    assert [(event.trial_id, event.kind) for event in answer.events] == [(second, "running")]


def test_the_lab_at_rest_is_not_waited_for(study):
    with Lab.open(study) as lab:
        assert lab_wait(lab, timeout_s=60).over == "idle"


def test_a_timeout_says_when_to_look_again_and_leaves_the_trial_alone(open_lab):
    lab = open_lab("gate")
    trial = launching.launch(lab, CONFIG).id
    in_state(lab, trial, State.RUNNING)
    answer = lab_wait(lab, timeout_s=0.5)
    assert (answer.over, answer.events) == ("timeout", None)
    assert answer.next_check_s
    assert queries.trial(lab, trial).state is State.RUNNING
    open_gate(lab, trial)
    ended(lab, trial)


class Clock(threading.Event):
    """Time that passes only while it is waited for."""

    now = 0.0

    def wait(self, timeout: float | None = None) -> bool:
        self.now += timeout or 0.0
        return self.is_set()


@pytest.fixture
def clock(open_lab, monkeypatch):
    """The clock of a client that waits while a trial runs."""
    lab, clock = open_lab("gate"), Clock()
    in_state(lab, launching.launch(lab, CONFIG).id, State.RUNNING)
    monkeypatch.setattr("pawn_lab.tools.wait.time", SimpleNamespace(monotonic=lambda: clock.now))
    token = waiter.set(Waiter(since=0.0, gone=clock))
    yield clock
    waiter.reset(token)
    open_gate(lab, 1)
    ended(lab, 1)


@pytest.mark.parametrize("asked_s", [60, 1, 0.1])
def test_a_wait_leaves_time_for_its_answer_within_what_the_caller_gave(clock, workspace, asked_s):
    with Lab.open(workspace) as lab:
        assert lab_wait(lab, timeout_s=asked_s).over == "timeout"
    assert 0.9 * asked_s <= clock.now <= 0.96 * asked_s


def test_the_time_in_which_no_thread_was_free_counts_too(clock, workspace):
    clock.now = 50.0
    with Lab.open(workspace) as lab:
        assert lab_wait(lab, timeout_s=60).over == "timeout"
    assert clock.now <= 57.0


def test_a_wait_ends_when_who_asked_has_gone(clock, workspace):
    clock.set()
    with Lab.open(workspace) as lab:
        assert lab_wait(lab, timeout_s=60).over == "timeout"
    assert clock.now < 1.0


def test_every_kind_of_event_that_the_study_made_can_be_waited_for(study):
    with Lab.open(study) as lab:
        made = {event.kind for event in queries.events(lab, limit=1000).events}
    assert made <= set(KINDS)
    assert len(made) >= 5


def test_an_unknown_kind_or_trial_is_refused_at_once(open_lab):
    lab = open_lab("complete")
    with pytest.raises(InvalidRequestError, match="did you mean 'ended'"):
        lab_wait(lab, until="endd")
    with pytest.raises(UnknownTrialError):
        lab_wait(lab, trial_ids=[7])


def write(lab, trial_id, *records):
    """Append to what a trainer writes, once the trainer is there."""
    trainer_greeting(lab, trial_id)
    with lab.paths.trial(trial_id).metrics.open("a") as file:
        file.writelines(json.dumps(record) + "\n" for record in records)


def evaluation(step, loss):
    return {"type": "eval", "seq": step, "step": step, "time": 0.0, "val_loss": loss}


def test_a_wait_for_a_bound_ends_with_the_first_record_beyond_it(open_lab):
    lab = open_lab("gate")
    first, second = launching.launch(lab, CONFIG).id, launching.launch(lab, CONFIG).id
    write(lab, first, evaluation(100, 3.5), evaluation(200, None))
    assert lab_wait(lab, until="val_loss<3", timeout_s=0).over == "timeout"
    later = threading.Timer(
        0.5, write, (lab, second, evaluation(100, 2.91239), evaluation(200, 2.5))
    )
    later.start()
    answer = lab_wait(lab, until=" val_loss < 3e0 ", timeout_s=60)
    later.join()
    [row] = answer.crossed
    assert (answer.over, row.trial_id, row.step, row.value) == ("metric", second, 100, 2.912)
    assert lab_wait(lab, trial_ids=[first], until="step>=200", timeout_s=0).crossed[0].step == 200
    assert lab_wait(lab, trial_ids=[first], until="val_loss>4", timeout_s=0).over == "timeout"
    for trial_id in (first, second):
        open_gate(lab, trial_id)
        ended(lab, trial_id)
    assert lab_wait(lab, until="val_loss<1", timeout_s=60).over == "idle"


@pytest.mark.parametrize("until", ["valloss<3", "val_loss<", "val_loss=3", "val_loss<1.2.3", ""])
def test_what_is_neither_a_kind_nor_a_bound_is_refused(open_lab, until):
    with pytest.raises(InvalidRequestError, match="until"):
        lab_wait(open_lab(), until=until)

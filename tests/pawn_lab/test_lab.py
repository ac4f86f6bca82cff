"""The life of trials through the lab's front."""

import subprocess
import sys

import pytest
from lab_testing import (
    CONFIG,
    ended,
    event_kinds,
    eventually,
    in_state,
    open_gate,
    shim_of,
    trainer_greeting,
)

from pawn_lab import errors
from pawn_lab.lab import killing, launching, queries
from pawn_lab.records import Event
from pawn_lab.shim import identity
from pawn_lab.states import State


def test_a_launched_trial_runs_and_its_exit_is_known(open_lab):
    lab = open_lab("complete")
    launched = launching.launch(lab, CONFIG, tags=["first"], hypothesis="it runs")
    trial = ended(lab, launched.id)
    assert launched.state in (State.LAUNCHING, State.RUNNING, State.COMPLETED)
    assert (trial.state, trial.exit.code, trial.exit.reason) == (State.COMPLETED, 0, "completed")
    assert (trial.exit.step, trial.tags, trial.hypothesis) == (5, ["first"], "it runs")
    assert event_kinds(lab, trial.id) == ["queued", "launching", "running", "completed"]


@pytest.mark.parametrize(
    ("behaviour", "state", "code", "reason"),
    [
        ("pause", State.PAUSED, 0, "paused"),
        ("crash", State.FAILED, 1, "crashed"),
        ("non-finite", State.FAILED, 3, "non_finite"),
        ("silent", State.FAILED, 0, "crashed"),
    ],
)
def test_the_state_follows_the_recorded_exit(open_lab, behaviour, state, code, reason):
    lab = open_lab(behaviour)
    trial = ended(lab, launching.launch(lab, CONFIG).id)
    assert (trial.state, trial.exit.code, trial.exit.reason) == (state, code, reason)


def test_a_third_trial_waits_for_a_device_and_says_why(open_lab):
    lab = open_lab("gate")
    first, second, third = (launching.launch(lab, CONFIG) for _ in range(3))
    assert {first.device, second.device} == {"cpu:0", "cpu:1"}
    assert (third.state, third.device) == (State.QUEUED, None)
    assert third.why_waiting == "every device is held, by trials 1, 2; first in queue"
    open_gate(lab, 1)
    assert in_state(lab, 3, State.RUNNING).device == first.device
    assert queries.trial(lab, 3).why_waiting is None


def test_higher_priority_is_launched_first(open_lab):
    lab = open_lab("gate")
    for priority in (0, 0, 1, 5):
        launching.launch(lab, CONFIG, priority=priority)
    assert "1 queued before it" in queries.trial(lab, 3).why_waiting
    open_gate(lab, 1)
    in_state(lab, 4, State.RUNNING)
    assert queries.trial(lab, 3).state is State.QUEUED


def test_an_idempotency_key_launches_once(open_lab):
    lab = open_lab("gate")
    first = launching.launch(lab, CONFIG, idempotency_key="k")
    again = launching.launch(open_lab("gate"), CONFIG, idempotency_key="k")
    assert again.id == first.id
    with pytest.raises(errors.IdempotencyConflictError, match="'k' belongs to trial 1"):
        launching.launch(lab, CONFIG | {"lr": 1e-3}, idempotency_key="k")
    assert len(queries.trials(lab)) == 1


def test_kill_lets_the_trainer_save_and_is_recorded_as_killed(open_lab):
    lab = open_lab("hang")
    trial_id = launching.launch(lab, CONFIG).id
    trainer_greeting(lab, trial_id)
    killing.kill(lab, trial_id, reason="loss is flat")
    trial = ended(lab, trial_id)
    assert (trial.state, trial.exit.code, trial.exit.step) == (State.KILLED, 143, 5)
    assert trial.exit.message == "killed: loss is flat"
    assert event_kinds(lab, trial_id)[-2:] == ["kill_requested", "killed"]
    assert last_event(lab).message == "killed: loss is flat; nothing was saved"


def test_kill_of_a_trainer_that_ignores_it_ends_by_force(open_lab):
    lab = open_lab("stubborn", grace_s=0.2)
    trial_id = launching.launch(lab, CONFIG).id
    trainer_greeting(lab, trial_id)
    killing.kill(lab, trial_id)
    trial = ended(lab, trial_id)
    assert (trial.state, trial.exit.signal) == (State.KILLED, 9)
    force = "by SIGKILL, 0.2 s after SIGTERM did not end it"
    assert trial.exit.message == f"killed: no reason given; {force}"
    assert last_event(lab).message == f"killed: no reason given; {force}; nothing was saved"


def last_event(lab) -> Event:
    return queries.events(lab, limit=1000).events[-1]


def test_a_second_kill_changes_nothing(open_lab):
    lab = open_lab("stubborn", grace_s=3600.0)
    trial_id = launching.launch(lab, CONFIG).id
    trainer_greeting(lab, trial_id)
    killing.kill(lab, trial_id, reason="first")
    assert killing.kill(lab, trial_id, reason="second").state is State.RUNNING
    requested = [e.message for e in queries.events(lab).events if e.kind == "kill_requested"]
    assert requested == ["first"]


def test_a_queued_trial_is_killed_without_a_process(open_lab):
    lab = open_lab("gate")
    for _ in range(3):
        launching.launch(lab, CONFIG)
    killed = killing.kill(lab, 3, reason="not needed")
    assert (killed.state, killed.started_at) == (State.KILLED, None)
    assert not lab.paths.trial(3).identity.exists()


def test_an_ended_trial_cannot_be_killed(open_lab):
    lab = open_lab("complete")
    trial_id = ended(lab, launching.launch(lab, CONFIG).id).id
    with pytest.raises(errors.TrialStateError, match="completed; only these can be killed"):
        killing.kill(lab, trial_id)


def test_a_signal_from_outside_the_lab_is_a_failure_that_says_so(open_lab):
    lab = open_lab("hang")
    trial_id = launching.launch(lab, CONFIG).id
    trainer_greeting(lab, trial_id)
    assert identity.send_signal(shim_of(lab, trial_id), 15)
    trial = ended(lab, trial_id)
    assert (trial.state, trial.exit.reason, trial.exit.code) == (State.FAILED, "signal", 143)


def test_trials_are_filtered_by_state_and_tag(open_lab):
    lab = open_lab("gate")
    for tags in (["a"], ["b"], ["a", "b"]):
        launching.launch(lab, CONFIG, tags=tags)
    assert [t.id for t in queries.selected(lab, tag="a")] == [1, 3]
    assert [t.id for t in queries.trials(lab, states=["queued"])] == [3]
    with pytest.raises(errors.InvalidRequestError, match="'sleeping' is unknown; one of: queued"):
        queries.trials(lab, states=["sleeping"])


def test_an_unknown_trial_is_named_with_those_there_are(open_lab):
    lab = open_lab("complete")
    with pytest.raises(errors.UnknownTrialError, match="the workspace has none"):
        queries.trial(lab, 1)
    launching.launch(lab, CONFIG)
    with pytest.raises(errors.UnknownTrialError, match=r"trial 9 does not exist.*1 to 1"):
        queries.log(lab, 9)


def test_events_are_paged_by_cursor_without_loss(open_lab):
    lab = open_lab("complete")
    for _ in range(3):
        ended(lab, launching.launch(lab, CONFIG).id)
    everything = queries.events(lab, limit=1000).events
    cursor, seen = 0, []
    while True:
        page = queries.events(lab, since=cursor, limit=5)
        seen += page.events
        cursor = page.cursor
        if not page.more:
            break
    assert seen == everything
    assert [event.seq for event in seen] == list(range(1, 13))
    assert queries.events(lab, since=cursor).events == []


def test_a_trainer_gets_an_allow_listed_environment(open_lab, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "canary-secret")
    monkeypatch.setenv("PAWN_ALLOW_CPU", "1")
    lab = open_lab("gate")
    launching.launch(lab, CONFIG)
    environment = trainer_greeting(lab, 1)["environment"]
    assert "canary-secret" not in str(environment)
    assert environment["PAWN_ALLOW_CPU"] == "1"
    assert environment["CUDA_VISIBLE_DEVICES"] == ""
    assert int(environment["OMP_NUM_THREADS"]) >= 1


def test_what_a_trainer_leaves_behind_is_killed_before_its_end_is_recorded(open_lab):
    lab = open_lab("litter")
    trial_id = launching.launch(lab, CONFIG).id
    assert ended(lab, trial_id).state is State.COMPLETED
    token = shim_of(lab, trial_id).token
    eventually(lambda: not identity.members(token), "end of the leftovers")


def test_a_trial_past_its_wall_clock_is_stopped(open_lab):
    lab = open_lab("hang", wall_clock_s=0.3)
    trial = ended(lab, launching.launch(lab, CONFIG).id)
    assert (trial.state, trial.exit.reason) == (State.FAILED, "wall_clock")
    assert "wall-clock limit" in trial.exit.message


def test_a_trial_without_progress_is_stopped(open_lab):
    lab = open_lab("hang", no_progress_s=0.3)
    trial = ended(lab, launching.launch(lab, CONFIG).id)
    assert (trial.state, trial.exit.reason) == (State.FAILED, "no_progress")


def test_results_give_last_and_best_evaluation(open_lab):
    lab = open_lab("complete")
    ended(lab, launching.launch(lab, CONFIG | {"mate_boost": 1.0}).id)
    (result,) = queries.results(lab)
    assert (result.last.step, result.last.metrics["val_loss"]) == (3, 2.5)
    assert (result.best.step, result.best.metrics["val_loss"]) == (2, 2.0)
    assert result.ablation == {"mate_boost": 1.0}


def test_importing_the_lab_leaves_torch_out():
    code = "import sys, pawn_lab.lab, pawn_lab.lab.tick; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

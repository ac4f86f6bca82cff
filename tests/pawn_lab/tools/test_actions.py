"""lab_launch, lab_resume and lab_kill: what they change, and what they refuse."""

import pytest
from lab_testing import CONFIG, ended, in_state, make_checkpoint, open_gate

from pawn_lab.errors import NoCheckpointError, TrialStateError
from pawn_lab.tools import TOOLS
from pawn_lab.tools.kill import lab_kill
from pawn_lab.tools.launch import lab_launch
from pawn_lab.tools.resume import lab_resume
from pawn_lab.trials.states import State


def test_more_trials_than_devices_wait_and_say_for_what(open_lab):
    lab = open_lab("gate")
    answers = [lab_launch(lab, CONFIG | {"seed": seed}, tags=["sweep"]) for seed in range(3)]
    assert {answer.state for answer in answers[:2]} <= {"launching", "running"}
    assert answers[2].state == "queued"
    assert answers[2].why_waiting
    assert answers[2].next_check_s
    assert lab_kill(lab, answers[2].trial_id).state == "killed"
    for answer in answers[:2]:
        open_gate(lab, answer.trial_id)


def test_a_repeated_launch_with_its_key_starts_nothing_new(open_lab):
    lab = open_lab("complete")
    first = lab_launch(lab, CONFIG, idempotency_key="sweep/1")
    assert lab_launch(lab, CONFIG, idempotency_key="sweep/1").trial_id == first.trial_id
    assert len(lab.trials()) == 1


def test_a_running_trial_is_not_resumed(open_lab):
    lab = open_lab("gate")
    trial = lab_launch(lab, CONFIG).trial_id
    in_state(lab, trial, State.RUNNING)
    with pytest.raises(TrialStateError, match=f"trial {trial} is running"):
        lab_resume(lab, trial)
    open_gate(lab, trial)


def test_a_trial_without_a_checkpoint_is_not_resumed(open_lab):
    lab = open_lab("complete")
    trial = lab_launch(lab, CONFIG).trial_id
    ended(lab, trial)
    with pytest.raises(NoCheckpointError):
        lab_resume(lab, trial)


def test_a_continuation_names_its_parent_and_step(open_lab):
    lab = open_lab("pause")
    trial = lab_launch(lab, CONFIG | {"pause_after_steps": 100}, tags=["sweep"]).trial_id
    ended(lab, trial)
    make_checkpoint(lab.paths.trial(trial).checkpoints, 100)
    answer = lab_resume(lab, trial, pause_after_steps=200)
    assert (answer.parent, answer.from_step, answer.tags) == (trial, 100, ["sweep"])
    assert lab.trial(answer.trial_id).config["pause_after_steps"] == 200


def test_a_killed_trial_ends_and_keeps_the_reason(open_lab):
    lab = open_lab("hang")
    trial = lab_launch(lab, CONFIG).trial_id
    in_state(lab, trial, State.RUNNING)
    lab_kill(lab, trial, reason="loss climbs")
    assert ended(lab, trial).state is State.KILLED
    events = next(tool for tool in TOOLS if tool.name == "lab_events")(lab, {"limit": 500}).events
    assert any("loss climbs" in event.message for event in events if event.trial_id == trial)

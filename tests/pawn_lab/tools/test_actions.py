"""lab_launch, lab_resume and lab_kill: what they change, and what they refuse."""

import pytest
from lab_testing import CONFIG, ended, in_state, make_checkpoint, open_gate, stand_in

from pawn_lab.errors import NoCheckpointError, TrialStateError
from pawn_lab.lab import Lab, queries
from pawn_lab.states import State
from pawn_lab.tools import TOOLS
from pawn_lab.tools.kill import lab_kill
from pawn_lab.tools.launch import lab_launch
from pawn_lab.tools.resume import lab_resume


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
    assert len(queries.trials(lab)) == 1


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
    assert queries.trial(lab, answer.trial_id).config["pause_after_steps"] == 200


@pytest.fixture
def paused(open_lab):
    """A lab whose trial 1 is paused at a checkpoint, and no longer holds anything up."""
    lab = open_lab("pause")
    config = CONFIG | {"pause_after_steps": 100, "num_workers": 0}
    ended(lab, lab_launch(lab, config, tags=["first"], max_hours=2).trial_id)
    make_checkpoint(lab.paths.trial(1).checkpoints, 100)
    return lab


def test_the_same_continuation_is_started_once_unless_a_key_forces_another(paused):
    first = lab_resume(paused, 1)
    again = lab_resume(paused, 1, tags=["second"])
    assert (first.trial_id, first.repeated) == (2, None)
    assert (again.trial_id, again.repeated, again.tags) == (2, [2], ["first", "second"])
    [event] = [e for e in queries.events(paused, limit=99).events if e.kind == "tags"]
    assert (event.trial_id, event.data["tags"]) == (2, ["first", "second"])
    assert lab_resume(paused, 1, idempotency_key="another").trial_id == 3
    assert lab_resume(paused, 1, overrides={"lr": 1e-4}).trial_id == 4
    assert lab_resume(paused, 1, overrides={"lr": 1e-4}).trial_id == 4
    assert lab_resume(paused, 1, pause_after_steps=300).trial_id == 5


def test_a_continuation_that_failed_is_started_again(paused):
    lab = Lab.open(paused.paths.root, trainer=stand_in("crash"))
    for expected in (2, 3):
        assert lab_resume(lab, 1).trial_id == expected
        ended(lab, expected)
    lab.close()


def test_a_continuation_says_what_it_inherits_and_how_to_change_it(paused):
    notes = lab_resume(paused, 1).warnings
    assert notes == [
        "num_workers 0 inherited: each step waits for its batch",
        "not inherited: max_hours 2",
        'to change it: lab_kill(2), then lab_resume(1, overrides={"num_workers": 4})',
    ]
    longer = {"num_workers": 4, "total_steps": 9000, "min_lr_ratio": 1.0, "warmup_steps": 450}
    first, *_ = lab_resume(paused, 1, overrides=longer).warnings
    assert first == (
        "the learning rate was 0.000298 and goes on at 6.73e-05 from step 100 "
        "(total_steps 1000 -> 9000, warmup_steps 50 -> 450, min_lr_ratio 0.0 -> 1.0)"
    )


def test_a_dry_run_of_a_continuation_starts_nothing(paused):
    answer = lab_resume(paused, 1, dry_run=True)
    assert (answer.trial_id, answer.from_step, answer.repeated) == (None, 100, None)
    assert answer.plan["steps"] == 900
    assert answer.warnings[-1] == 'to change it: lab_resume(1, overrides={"num_workers": 4})'
    assert len(queries.trials(paused)) == 1
    lab_resume(paused, 1)
    assert lab_resume(paused, 1, dry_run=True).repeated == [2]


def test_a_killed_trial_ends_and_keeps_the_reason(open_lab):
    lab = open_lab("hang")
    trial = lab_launch(lab, CONFIG).trial_id
    in_state(lab, trial, State.RUNNING)
    lab_kill(lab, trial, reason="loss climbs")
    assert ended(lab, trial).state is State.KILLED
    events = next(tool for tool in TOOLS if tool.name == "lab_events")(lab, {"limit": 500}).events
    assert any("loss climbs" in event.message for event in events if event.trial_id == trial)

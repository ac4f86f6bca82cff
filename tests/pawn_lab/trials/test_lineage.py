"""Resuming: from a checkpoint that is whole, with overrides that fit it."""

import json

import pytest
from lab_testing import CONFIG, ended, in_state, make_checkpoint, shim_of, stand_in

from pawn_lab import errors
from pawn_lab.documents import read_json_object
from pawn_lab.lab import Lab, launching, queries, resuming
from pawn_lab.shim import identity
from pawn_lab.states import State


@pytest.fixture
def paused(open_lab):
    """A lab whose trial 1 is paused, without a checkpoint yet."""
    lab = open_lab("pause")
    ended(
        lab,
        launching.launch(lab, CONFIG | {"pause_after_steps": 500}, tags=["t"], hypothesis="h").id,
    )
    return lab


@pytest.fixture(scope="module")
def resumable(tmp_path_factory):
    """A lab whose trial 1 is paused at a checkpoint of step 500; refusals leave it as it is."""
    with Lab.open(tmp_path_factory.mktemp("lab"), trainer=stand_in("pause")) as lab:
        ended(lab, launching.launch(lab, CONFIG | {"pause_after_steps": 500}).id)
        make_checkpoint(checkpoints(lab), 500)
        yield lab


def checkpoints(lab, trial_id=1):
    return lab.paths.trial(trial_id).checkpoints


def test_a_resumed_trial_has_its_own_folder_and_its_parents_config_without_the_pause(paused):
    path = make_checkpoint(checkpoints(paused), 500)
    child = ended(paused, resuming.resume(paused, 1).id)
    assert (child.id, child.parent, child.from_step) == (2, 1, 500)
    assert (child.tags, child.hypothesis) == (["t"], "h")
    assert child.config == queries.trial(paused, 1).config | {"pause_after_steps": None}
    argv = read_json_object(paused.paths.trial(2).launch)["argv"]
    assert argv[-2:] == ["--resume", str(path)]
    assert paused.paths.trial(2).run.is_dir()
    assert queries.trial(paused, 1).state is State.PAUSED


def test_overrides_and_a_new_pause_are_taken_over(paused):
    make_checkpoint(checkpoints(paused), 500)
    child = resuming.resume(paused, 1, overrides={"lr": 1e-4}, pause_after_steps=700)
    assert (child.config["lr"], child.config["pause_after_steps"]) == (1e-4, 700)


def test_a_damaged_newest_checkpoint_falls_back_to_the_one_before_and_says_so(paused):
    make_checkpoint(checkpoints(paused), 400)
    newest = make_checkpoint(checkpoints(paused), 500)
    (newest / "model.safetensors").write_bytes(b"")
    child = resuming.resume(paused, 1)
    assert child.from_step == 400
    (event,) = [e for e in queries.events(paused).events if e.kind == "checkpoint_rejected"]
    assert "step_00000500 was passed over for step_00000400" in event.message
    assert "does not match its SHA-256" in event.message
    assert (event.trial_id, event.data) == (1, {"checkpoint": "step_00000500"})


def test_an_unfinished_checkpoint_is_never_the_latest(paused):
    make_checkpoint(checkpoints(paused), 400)
    (make_checkpoint(checkpoints(paused), 500) / ".complete").unlink()
    assert resuming.resume(paused, 1).from_step == 400


def test_a_trial_without_a_checkpoint_cannot_be_resumed(paused):
    with pytest.raises(errors.NoCheckpointError, match=r"trial 1 \(paused\) has saved no checkp"):
        resuming.resume(paused, 1)


def test_a_trial_whose_only_checkpoint_is_damaged_cannot_be_resumed(paused):
    (make_checkpoint(checkpoints(paused), 500) / "config.json").write_text("{ }")
    with pytest.raises(errors.NoCheckpointError, match=r"that can be trusted: .*SHA-256"):
        resuming.resume(paused, 1)
    assert [trial.id for trial in queries.trials(paused)] == [1]


def test_a_running_trial_cannot_be_resumed(open_lab):
    lab = open_lab("gate")
    trial_id = launching.launch(lab, CONFIG).id
    in_state(lab, trial_id, State.RUNNING)
    make_checkpoint(checkpoints(lab), 500)
    with pytest.raises(errors.TrialStateError, match="trial 1 is running; only a trial that has"):
        resuming.resume(lab, trial_id)


@pytest.mark.parametrize(
    ("overrides", "field"),
    [
        ({"d_model": 128}, "d_model 128"),
        ({"variant": "small"}, "variant 'small'"),
        ({"vocabulary": "coordinate"}, "vocabulary 'coordinate'"),
        ({"max_seq_len": 256}, "max_seq_len 256"),
        ({"no_outcome_token": True}, "no_outcome_token True"),
        ({"d_model": 63}, "d_model 63"),
        ({"seed": 7}, "seed 7"),
    ],
)
def test_an_override_of_what_the_checkpoint_decides_is_refused(resumable, overrides, field):
    with pytest.raises(errors.UnsafeOverrideError, match=f"{field} cannot be resumed from"):
        resuming.resume(resumable, 1, overrides=overrides)
    assert [trial.id for trial in queries.trials(resumable)] == [1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"overrides": {"learning_rate": 1e-3}}, "did you mean 'lr'"),
        ({"overrides": {"lr": object()}}, "overrides is not JSON"),
        ({"overrides": {1: 2}}, "keys should be strings"),
        ({"overrides": {"lr": float("nan")}}, "lr nan is not allowed"),
        ({"overrides": {"total_steps": 500}}, "total_steps 500 leaves nothing to do"),
        ({"pause_after_steps": 100}, "pause_after_steps 100 leaves nothing to do"),
        ({"overrides": {"hf_repo": "a/b"}}, "set exactly one of local_checkpoints"),
    ],
)
def test_other_bad_overrides_are_refused_with_a_reason(resumable, arguments, message):
    with pytest.raises(errors.InvalidConfigError, match=message):
        resuming.resume(resumable, 1, **arguments)


def test_an_idempotency_key_resumes_once(paused):
    make_checkpoint(checkpoints(paused), 500)
    first = resuming.resume(paused, 1, idempotency_key="k")
    assert resuming.resume(paused, 1, idempotency_key="k").id == first.id
    with pytest.raises(errors.IdempotencyConflictError):
        resuming.resume(paused, 1, pause_after_steps=700, idempotency_key="k")


def test_a_lost_trial_can_be_resumed(open_lab):
    lab = open_lab("hang")
    trial_id = launching.launch(lab, CONFIG).id
    make_checkpoint(checkpoints(lab), 300)
    identity.kill_members(shim_of(lab, trial_id).token)
    assert ended(lab, trial_id).state is State.LOST
    assert resuming.resume(lab, trial_id).from_step == 300


def write_losses(lab, losses):
    """Record validation losses by step for trial 1, as its trainer would."""
    records = [
        {"type": "eval", "seq": seq, "step": step, "time": 1.0, "val_loss": loss}
        for seq, (step, loss) in enumerate(losses.items())
    ]
    text = "".join(json.dumps(record) + "\n" for record in records)
    lab.paths.trial(1).metrics.write_text(text)


def test_the_best_checkpoint_is_that_of_the_lowest_validation_loss(paused):
    for step in (300, 400, 500):
        make_checkpoint(checkpoints(paused), step)
    write_losses(paused, {300: 3.0, 350: 1.0, 400: 2.0, 500: 2.5})
    assert resuming.resume(paused, 1, checkpoint="best").from_step == 400


def test_a_damaged_best_checkpoint_falls_back_to_the_next_best_and_says_so(paused):
    for step in (300, 400):
        make_checkpoint(checkpoints(paused), step)
    write_losses(paused, {300: 3.0, 400: 2.0})
    (checkpoints(paused) / "step_00000400" / "config.json").write_text("{ }")
    assert resuming.resume(paused, 1, checkpoint="best").from_step == 300
    assert [e.kind for e in queries.events(paused).events].count("checkpoint_rejected") == 1


def test_a_best_checkpoint_needs_a_validation_loss(paused):
    make_checkpoint(checkpoints(paused), 400)
    with pytest.raises(errors.NoCheckpointError, match="no validation loss at a saved step; saved"):
        resuming.resume(paused, 1, checkpoint="best")


def test_a_named_step_is_resumed_and_no_other(paused):
    for step in (300, 400):
        make_checkpoint(checkpoints(paused), step)
    assert resuming.resume(paused, 1, checkpoint=300).from_step == 300
    with pytest.raises(errors.NoCheckpointError, match="of step 350; saved: 300, 400"):
        resuming.resume(paused, 1, checkpoint=350)


@pytest.mark.parametrize("checkpoint", ["first", -1, True])
def test_a_checkpoint_that_cannot_be_meant_is_refused(resumable, checkpoint):
    with pytest.raises(errors.InvalidRequestError, match="latest, best or a step"):
        resuming.resume(resumable, 1, checkpoint=checkpoint)


def test_a_running_trial_can_be_forked_from_a_saved_step(open_lab):
    lab = open_lab("gate")
    in_state(lab, launching.launch(lab, CONFIG).id, State.RUNNING)
    make_checkpoint(checkpoints(lab), 500)
    fork = resuming.resume(
        lab, 1, checkpoint=500, overrides={"lr": 1e-4}, tags=["fork"], hypothesis="lower"
    )
    assert (fork.parent, fork.from_step, fork.tags) == (1, 500, ["fork"])
    assert (fork.hypothesis, fork.config["lr"]) == ("lower", 1e-4)

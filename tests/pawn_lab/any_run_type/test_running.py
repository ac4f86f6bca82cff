"""A run type without an optimizer, launched, watched, paused, resumed, forked and killed."""

import json
from collections.abc import Iterator

import pytest
from answering import ITEMS
from lab_testing import ended, eventually

from pawn_core.checkpoint import store
from pawn_lab.errors import (
    InvalidConfigError,
    InvalidRequestError,
    NoCheckpointError,
    UnsafeOverrideError,
)
from pawn_lab.lab import Lab, queries
from pawn_lab.states import State
from pawn_lab.tools.audit import lab_audit
from pawn_lab.tools.kill import lab_kill
from pawn_lab.tools.launch import lab_launch
from pawn_lab.tools.notes import lab_notes
from pawn_lab.tools.resume import lab_resume
from pawn_lab.tools.schema import lab_schema
from pawn_lab.tools.status import lab_status
from pawn_lab.tools.wait import lab_wait

SLOW = ITEMS | {"total_items": 100_000, "item_s": 0.02}


@pytest.fixture
def own(workspace) -> Iterator[Lab]:
    """An empty lab."""
    with Lab.open(workspace) as lab:
        yield lab


def records(lab, *trial_ids):
    """Return the eval records of trials, without when they were written."""
    lines = [
        line for n in trial_ids for line in lab.paths.trial(n).metrics.read_text().splitlines()
    ]
    kept = ("type", "step", "accuracy")
    read = [json.loads(line) for line in lines]
    return [{n: r[n] for n in kept} for r in read if r["type"] == "eval"]


def test_its_fields_and_no_others_are_in_the_schema(lab):
    answer = lab_schema(lab, run_type="answering")
    assert {"total_items", "choices", "tries", "seed"} <= {field.name for field in answer.fields}
    assert "answering" in answer.run_types
    assert "lr" not in {field.name for field in lab_schema(lab, "answering", full=True).fields}


def test_a_dry_run_counts_items_and_knows_past_trials(lab):
    plan = lab_launch(lab, ITEMS | {"total_items": 40, "seed": 5}, dry_run=True).plan
    wire = plan.wire()
    assert (wire["items"], "steps" in wire) == (40, False)
    assert wire["item_s"]["p50"] > 0
    assert wire["from_trials"] == 10
    assert wire["nearest"][0]["best_accuracy"] > 0
    again = lab_launch(lab, ITEMS, dry_run=True)
    assert (again.repeated, again.plan.duplicates) == ([1], [1])


def test_a_rule_that_needs_a_loss_is_refused(lab):
    with pytest.raises(InvalidRequestError, match="'answering' has no loss that falls"):
        lab_launch(lab, ITEMS, stop_by_forecast=True)


def test_a_running_trial_shows_items_accuracy_speed_and_time_left(own):
    trial = lab_launch(own, SLOW).trial_id
    assert lab_wait(own, trial_ids=[trial], until="item>=10", timeout_s=60).over == "metric"

    def rated() -> dict | None:
        shown = lab_status(own).wire()["running"]
        row = dict(zip(shown["columns"], shown["rows"][0], strict=True))
        return row if "eta_s" in row else None

    row = eventually(rated, "a speed")
    assert (row["of"], row["health"]) == (100_000, "ok")
    assert row["item"] >= 10
    assert 0 <= row["accuracy"] <= 1
    assert 0 < row["items_per_s"] <= 50
    assert row["eta_s"] > 0
    assert not {"step", "val_loss", "loss"} & row.keys()
    killed = lab_kill(own, trial)
    assert killed.trial_id == trial
    ending = ended(own, trial)
    assert (ending.state, ending.exit.reason) == (State.KILLED, "killed")
    last = [event.message for event in queries.events(own, limit=100).events][-1]
    assert f"saved at item {ending.exit.step}" in last
    findings = {row.finding for row in lab_audit(own).findings}
    assert any(f"killed at item {ending.exit.step} of 100000" in finding for finding in findings)


def test_paused_and_resumed_it_is_bitwise_the_trial_that_never_paused(lab):
    whole, paused, resumed = (queries.trial(lab, n) for n in (11, 9, 10))
    assert (paused.state, resumed.from_step) == (State.PAUSED, 7)
    assert (whole.state, resumed.state) == (State.COMPLETED, State.COMPLETED)
    assert records(lab, 9)[:1] + records(lab, 10) == records(lab, 11)
    ours, theirs = (store.load(lab.paths.trial(n).checkpoints / "step_00000020") for n in (10, 11))
    assert ours.tensors["answers.safetensors"]["answers"].equal(
        theirs.tensors["answers.safetensors"]["answers"]
    )
    assert ours.training_state["rng"] == theirs.training_state["rng"]
    assert "queued to go on from trial 9 at item 7" in [
        e.message for e in queries.events(lab).events
    ]


def test_a_fork_from_an_item_with_an_override_goes_on_from_there(answered_copy):
    lab = answered_copy
    fork = lab_resume(lab, 11, checkpoint=10, overrides={"tries": 100, "total_items": 30})
    assert ended(lab, fork.trial_id).state is State.COMPLETED
    before = [r for r in records(lab, 11) if r["step"] <= 10]
    after = records(lab, fork.trial_id)
    right = before[-1]["accuracy"] * 10
    assert after[-1] == {"type": "eval", "step": 30, "accuracy": pytest.approx((right + 20) / 30)}


def test_the_best_checkpoint_is_that_of_the_highest_accuracy(lab):
    accuracy = {r["step"]: r["accuracy"] for r in records(lab, 4)}
    highest = max(accuracy.values())
    best = min(step for step, value in accuracy.items() if value == highest)
    answer = lab_resume(lab, 4, checkpoint="best", overrides={"total_items": 90}, dry_run=True)
    assert answer.from_step == best
    assert answer.plan["items"] == 90 - best


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"checkpoint": 3}, NoCheckpointError, "has no checkpoint of item 3"),
        ({"overrides": {"total_items": 20}}, InvalidConfigError, "total_items 20 leaves nothing"),
        ({"overrides": {"seed": 1}}, UnsafeOverrideError, "seed 1 cannot be resumed"),
        ({"overrides": {"lr": 1}}, InvalidConfigError, "lr is not a field of run_type 'answering'"),
    ],
)
def test_what_cannot_be_resumed_is_refused_in_its_words(lab, arguments, error, message):
    with pytest.raises(error, match=message):
        lab_resume(lab, 11, **arguments)


def test_notes_answer_for_it(answered_copy):
    lab = answered_copy
    assert not lab_audit(lab).ready
    lab_notes(lab, append="Three guesses are better than one: trials 4 to 6.", section="Answers")
    audit = lab_audit(lab)
    assert (audit.ready, audit.checkpoints_verified) == (True, 10)

"""The table of trials: whole at first, then what changed; what is not read yet is said."""

from pathlib import Path

import pytest
from curve_labs import append
from lab_testing import CONFIG, add_ended_trial, add_measured_trial, add_running_trial
from past_trials import resolved

from pawn_core.config import parse_config
from pawn_lab.errors import InvalidRequestError
from pawn_lab.lab import Lab, storing
from pawn_lab.views import answered, reading, trials


@pytest.fixture
def lab(tmp_path: Path):
    with Lab.open(tmp_path / "runs") as lab:
        yield lab.only_looking()


def asked(lab: Lab, **arguments) -> tuple[dict, list[dict]]:
    answer = answered(lab, "trials", arguments)
    return answer, [dict(zip(answer["columns"], row, strict=True)) for row in answer["rows"]]


def test_a_row_has_the_last_and_the_best_value_with_their_steps(lab):
    add_measured_trial(lab, [3.0, 2.0, None, 2.5], lr=0.01)
    answer, (row,) = asked(lab)
    assert (row["best"], row["best_step"], row["last"], row["last_step"]) == (2.0, 200, 2.5, 400)
    assert (row["id"], row["variant"], row["state"], row["step"]) == (1, "", "completed", 400)
    assert row["settings"]["lr"] == 0.01
    assert answer["kinds"]["pretrain"]["metric"] == "val_loss"
    assert answer["kinds"]["pretrain"]["better"] == "low"
    assert answer["kinds"]["pretrain"]["defaults"]["lr"] != 0.01
    assert (answer["whole"], answer["pending"]) == (True, 0)


def test_each_model_of_a_trial_has_its_row(lab):
    config = resolved(variants={"a": {"variant": "toy"}, "b": {"variant": "toy", "lr": 0.01}})
    number = add_ended_trial(lab, config)
    losses = {"a": 3.0, "b": 4.0}
    append(
        lab,
        number,
        [
            {"type": "eval", "step": 5, "time": 1.7e9, "variant": name, "val_loss": loss}
            for name, loss in losses.items()
        ],
    )
    _, rows = asked(lab)
    assert {row["variant"]: row["last"] for row in rows} == losses


def test_trials_that_differ_by_their_seeds_alone_are_of_one_group(lab):
    for fields in ({"seed": 1}, {"lr": 0.01}, {"seed": 2}, {"lr": 0.01, "seed": 3}):
        add_measured_trial(lab, [3.0], **fields)
    _, rows = asked(lab)
    assert [row["group"] for row in rows] == [1, 2, 1, 2]


def test_after_the_first_answer_only_what_changed_is_told(lab):
    add_measured_trial(lab, [3.0])
    first, _ = asked(lab)
    nothing, rows = asked(lab, since=first["cursor"])
    assert (nothing["whole"], rows) == (False, [])
    add_measured_trial(lab, [2.0], seed=7)
    second, rows = asked(lab, since=first["cursor"])
    assert [(row["id"], row["group"]) for row in rows] == [(2, 1)]
    assert asked(lab, since=second["cursor"])[1] == []


def test_a_running_trial_is_told_each_time_with_the_time_it_needs(lab):
    config = parse_config(CONFIG).model_dump(mode="json")
    with add_running_trial(lab, config) as (number, _):
        first, _ = asked(lab)
        records = [
            {"type": "train", "step": step, "time": 1.8e9 + step, "loss": 3.0}
            for step in range(300, 321)
        ]
        append(lab, number, records)
        _, (row,) = asked(lab, since=first["cursor"])
        assert (row["step"], row["eta_s"], row["target"]) == (320, 680, 1000)


def test_a_trial_that_was_archived_is_gone_from_the_next_answer(lab):
    for loss in (3.0, 2.0):
        add_measured_trial(lab, [loss], seed=int(loss))
    first, _ = asked(lab)
    storing.archive(lab, [1])
    answer, rows = asked(lab, since=first["cursor"])
    assert (answer["whole"], [row["id"] for row in rows]) == (True, [2])


def test_what_is_not_read_yet_is_said_and_comes_later(lab, monkeypatch):
    for seed in range(4):
        add_measured_trial(lab, [3.0 - seed / 10], seed=seed)
    monkeypatch.setattr(trials, "BUDGET_S", -1.0)
    answer, rows = asked(lab)
    assert (answer["pending"], [row["last"] for row in rows]) == (4, [None] * 4)
    monkeypatch.setattr(trials, "BUDGET_S", reading.BUDGET_S)
    answer, rows = asked(lab, since=answer["cursor"])
    assert (answer["pending"], [row["last"] for row in rows]) == (0, [3.0, 2.9, 2.8, 2.7])
    assert asked(lab, since=answer["cursor"])[1] == []


def test_what_is_read_later_comes_in_parts_the_newest_first_and_without_what_was_archived(
    lab, monkeypatch
):
    for seed in range(5):
        add_measured_trial(lab, [3.0], seed=seed)
    storing.archive(lab, [2])
    monkeypatch.setattr(trials, "BUDGET_S", -1.0)
    answer, _ = asked(lab)
    monkeypatch.setattr(trials, "BUDGET_S", reading.BUDGET_S)
    monkeypatch.setattr(trials, "MOST_READ", 2)
    told = []
    while answer["pending"]:
        answer, rows = asked(lab, since=answer["cursor"])
        told.append([row["id"] for row in rows])
    assert told == [[4, 5], [3], [1]]


def test_a_folder_that_is_gone_or_torn_leaves_the_other_rows(lab):
    for seed in range(3):
        add_measured_trial(lab, [3.0], seed=seed)
    lab.paths.trial(1).metrics.unlink()
    lab.paths.trial(2).metrics.write_bytes(b'{"type": "eval", "st\xff\n{}')
    _, rows = asked(lab)
    assert [row["last"] for row in rows] == [None, None, 3.0]


def test_a_cursor_that_the_lab_has_not_reached_is_answered_whole(lab):
    add_measured_trial(lab, [3.0])
    asked(lab)
    answer, rows = asked(lab, since="999")
    assert (answer["whole"], len(rows)) == (True, 1)


def test_a_cursor_that_is_none_is_refused(lab):
    with pytest.raises(InvalidRequestError, match="since 'x' is not allowed"):
        asked(lab, since="x")

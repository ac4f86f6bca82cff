"""A refresh has the new points alone, as long as nothing else about the curves changed."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from curve_labs import add_trial, append, train
from lab_testing import CONFIG, add_running_trial

from pawn_core.config import parse_config
from pawn_lab.errors import InvalidRequestError
from pawn_lab.lab import Lab
from pawn_lab.views import answered, growing


@pytest.fixture
def lab(tmp_path: Path):
    with Lab.open(tmp_path / "runs") as lab:
        yield lab.only_looking()


@pytest.fixture
def running(lab: Lab) -> Iterator[int]:
    """The second seed of trial 1, at step 3 of the same."""
    add_trial(lab, [1.0, 2.0, 3.0, 4.0, 5.0], seed=1)
    config = parse_config(CONFIG | {"seed": 2}).model_dump(mode="json")
    with add_running_trial(lab, config) as (number, _):
        lab.paths.trial(number).metrics.unlink()
        append(lab, number, [train(step, loss=step + 2.0) for step in (1, 2, 3)])
        yield number


def curves(lab: Lab, **asked):
    return answered(lab, "curves", {"metrics": "loss", "most": 100} | asked)


def test_without_new_records_there_is_nothing(lab, running):
    first = curves(lab)
    second = curves(lab, since=first["cursor"])
    assert (second["whole"], second["curves"], second["groups"]) == (False, [], [])
    assert second["cursor"] == first["cursor"]


def test_a_trial_without_a_stream_is_no_news_until_it_has_one(lab, running):
    records = lab.paths.trial(running).metrics.read_text()
    lab.paths.trial(running).metrics.unlink()
    first = curves(lab)
    second = curves(lab, since=first["cursor"])
    assert (second["whole"], second["curves"]) == (False, [])
    lab.paths.trial(running).metrics.write_text(records)
    third = curves(lab, since=second["cursor"])
    assert (third["whole"], len(third["curves"])) == (True, 2)


def test_new_records_come_alone_and_with_them_the_mean_that_they_make(lab, running):
    first = curves(lab)
    append(lab, running, [train(4, loss=6.0)])
    second = curves(lab, since=first["cursor"])
    [curve], [group] = second["curves"], second["groups"]
    assert (second["whole"], curve["trial"], curve["x"], curve["y"]) == (False, running, [4], [6])
    assert (curve["seen"], curve["sampled"]) == (4, False)
    assert (group["x"], group["mean"], group["n"]) == ([4], [5], 2)
    assert [own["label"] for own in first["groups"]] == [group["label"]]
    append(lab, running, [train(5, loss=7.0)])
    assert curves(lab, since=second["cursor"])["curves"][0]["x"] == [5]


def test_a_record_that_comes_while_an_answer_is_made_is_told_once(lab, running, monkeypatch):
    reached = growing.reached

    def and_then_another(*asked):
        before = reached(*asked)
        append(lab, running, [train(4, loss=6.0)])
        return before

    monkeypatch.setattr(growing, "reached", and_then_another)
    first = curves(lab)
    second = curves(lab, since=first["cursor"])
    third = curves(lab, since=second["cursor"])
    own = [[c["x"] for c in a["curves"] if c["trial"] == running] for a in (first, second, third)]
    assert own == [[[1, 2, 3]], [[4]], []]


def test_answers_that_grew_are_what_a_whole_answer_has(lab, running):
    whole = curves(lab)
    grown = {(c["trial"], c["metric"]): [c["x"], c["y"]] for c in whole["curves"]}
    for step in range(4, 9):
        append(lab, running, [train(step, loss=step * 1.5)])
        whole = curves(lab, since=whole["cursor"])
        for curve in whole["curves"]:
            grown[curve["trial"], curve["metric"]][0] += curve["x"]
            grown[curve["trial"], curve["metric"]][1] += curve["y"]
    anew = {(c["trial"], c["metric"]): [c["x"], c["y"]] for c in curves(lab)["curves"]}
    assert grown == anew


@pytest.mark.parametrize("change", ["rewritten", "new trial", "another question", "restored"])
def test_what_changes_more_than_the_end_of_curves_is_answered_whole(lab, running, change):
    cursor = curves(lab)["cursor"]
    asked = {}
    if change == "rewritten":
        lab.paths.trial(running).metrics.unlink()
        append(lab, running, [train(step, loss=9.0) for step in range(1, 6)])
    elif change == "new trial":
        add_trial(lab, [1.0], lr=0.5)
    elif change == "another question":
        asked = {"x": "tokens"}
    else:
        cursor = f"9{cursor}"
    assert curves(lab, since=cursor, **asked)["whole"]


def test_a_cursor_that_is_none_is_refused(lab, running):
    with pytest.raises(InvalidRequestError, match="since '1;2' is not allowed"):
        curves(lab, since="1;2")

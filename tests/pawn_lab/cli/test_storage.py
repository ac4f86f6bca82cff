"""What trials are called and what they take on the disk, from the command line."""

import io
import sys

import pytest
from cli_command import Command

from pawn_lab.lab import Lab, launching, queries, spending
from pawn_lab.states import State


@pytest.fixture
def command(study_copy, capsys, monkeypatch) -> Command:
    """Trials 1 and 2 are paused, 3 is completed, 4 continues 1."""
    return Command(study_copy, capsys, monkeypatch)


def shown(command: Command) -> list[int]:
    table = command.json("results")["rows"]
    return sorted(row[table["columns"].index("trial_id")] for row in table["rows"])


def refused(command: Command, *arguments: object) -> str:
    code, _, err = command(*arguments)
    assert code == 2
    return err


def test_disk_use_is_shown_the_largest_first_with_what_is_free(command):
    answer = command.json("disk")
    rows = [
        dict(zip(answer["trials"]["columns"], r, strict=True)) for r in answer["trials"]["rows"]
    ]
    sizes = [row["checkpoints_gib"] + row["other_gib"] for row in rows]
    assert sizes == sorted(sizes, reverse=True)
    assert {row["trial_id"] for row in rows} == {1, 2, 3, 4}
    assert all(row["checkpoints"] >= 1 for row in rows)
    assert answer["total_gib"] == pytest.approx(sum(sizes), rel=1e-2)
    assert answer["free_gib"] > 0


def test_tags_are_added_and_taken_away(command):
    command.json("tag", 1, 2, "--add", "keep", "also", "--remove", "plain")
    with Lab.open(command.workspace) as lab:
        assert queries.trial(lab, 1).tags == ["keep", "also"]
        assert queries.trial(lab, 2).tags == ["keep", "also"]
    assert "name a tag to add or to remove" in refused(command, "tag", 1)


def test_an_archived_trial_is_left_out_until_it_is_named_or_shown_again(command):
    command.json("archive", 3)
    assert shown(command) == [1, 2, 4]
    assert command.json("status")["counts"] == {"paused": 2, "completed": 1}
    assert command.json("status", "--trial-id", 3)["detail"]["hypothesis"] == "Shorter games."
    command.json("archive", 3, "--undo")
    assert shown(command) == [1, 2, 3, 4]


def test_deleted_checkpoints_make_room_and_leave_the_results(command):
    freed = command.json("delete", 2, "--checkpoints", "--yes")
    assert freed["deleted"] == [2]
    assert freed["freed_gib"] > 0
    assert shown(command) == [1, 2, 3, 4]
    assert not (command.workspace / "trials" / "0002" / "run" / "checkpoints").exists()
    assert "no checkpoint" in refused(command, "resume", 2)


def test_a_deleted_trial_is_gone_from_the_disk_but_its_number_and_cost_stay(command):
    with Lab.open(command.workspace) as lab:
        before = spending.cost(lab).total
    command.json("delete", 3, "--yes")
    assert not (command.workspace / "trials" / "0003").exists()
    assert shown(command) == [1, 2, 4]
    with Lab.open(command.workspace) as lab:
        assert spending.cost(lab).total == before
        assert queries.trial(lab, 3).state is State.COMPLETED
        assert "folder deleted" in queries.events(lab).events[-2].message
    assert {row[1] for row in command.json("disk")["trials"]["rows"]} == {"paused", "completed"}


def test_a_trial_in_which_the_curve_of_another_begins_is_not_deleted_alone(command):
    assert "trial 4 continues trial 1" in refused(command, "delete", 1, "--yes")
    command.json("delete", 1, 4, "--yes")
    assert shown(command) == [2, 3]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["delete"], "name trials, or --tag TAG"),
        (["delete", 1, "--tag", "plain"], "one of the two"),
        (["archive", 9], "trial 9 does not exist"),
        (["delete", "--tag", "plian", "--yes"], "did you mean 'plain'?"),
    ],
)
def test_a_choice_that_is_none_changes_nothing(command, arguments, message):
    assert message in refused(command, *arguments)
    assert shown(command) == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("answer", "left"), [("n\n", [1, 2, 3, 4]), ("", [1, 2, 3, 4]), ("y\n", [1, 2, 4])]
)
def test_a_person_is_asked_before_anything_is_deleted(command, monkeypatch, answer, left):
    monkeypatch.setattr(sys, "stdin", io.StringIO(answer))
    code, out, _ = command("delete", 3)
    assert "Delete all of trials 3" in out
    assert code == (0 if answer == "y\n" else 2)
    assert shown(command) == left


def test_a_trial_that_has_not_ended_is_neither_archived_nor_deleted(open_lab, capsys, monkeypatch):
    lab = open_lab("gate")
    trial = launching.launch(lab, {"variant": "toy", "local_checkpoints": True, "total_steps": 9})
    command = Command(lab.paths.root, capsys, monkeypatch)
    for verb in (["archive"], ["delete", "--yes"]):
        assert f"pawn-lab kill {trial.id}" in refused(command, *verb, trial.id)

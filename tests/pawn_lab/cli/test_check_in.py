"""`pawn-lab checkin`: what needs a decision and what is new, for a loop that reads exit codes."""

import pytest
from cli_command import Command
from lab_testing import CONFIG, ended, open_gate, trainer_greeting

from pawn_lab.cli.check_in import DECIDE
from pawn_lab.lab import launching, noting, queries
from pawn_lab.tools.notes import lab_notes


@pytest.fixture
def command(workspace, capsys, monkeypatch) -> Command:
    return Command(workspace, capsys, monkeypatch)


def kinds(answer) -> list[str]:
    table = answer["events"]
    return [row[table["columns"].index("kind")] for row in table["rows"]] if table else []


@pytest.fixture
def lab(open_lab):
    """A lab whose two devices have trials that go on."""
    lab = open_lab("gate:crash")
    for seed in range(2):
        launching.launch(lab, CONFIG | {"seed": seed})
        trainer_greeting(lab, seed + 1)
    yield lab
    for trial_id in (1, 2):
        open_gate(lab, trial_id, "complete")


def test_without_news_a_check_in_is_short_and_asks_for_nothing(lab, command):
    assert command("checkin")[0] == 0
    code, out, err = command("checkin")
    assert (code, err) == (0, "")
    assert out.splitlines()[:2] == [
        "headline: 2 running, 0 queued; nothing needs a decision.",
        "decide: no",
    ]
    assert len(out.splitlines()) == 3


def test_a_failure_asks_for_a_decision_until_it_is_answered(lab, command):
    command("checkin")
    open_gate(lab, 1)
    ended(lab, 1)
    code, out, _ = command("checkin")
    assert (code, "trial 1 failed" in out) == (DECIDE, True)
    assert command("checkin")[0] == DECIDE
    launching.launch(lab, CONFIG | {"seed": 0}, hypothesis="It was the disk.")
    lab_notes(lab, append="Trial 1 failed by accident.")
    assert command("checkin")[0] == 0
    open_gate(lab, 3, "complete")


def test_each_name_reads_on_where_it_stopped(lab, command):
    for name in "ab":
        command("checkin", "--as", name)
    noting.note(lab, "idle", "first", {})
    code, out, _ = command("checkin", "--json", "--as", "a")
    assert (code, "first" in out) == (DECIDE, True)
    assert kinds(command.json("checkin", "--as", "a")) == []
    assert command("checkin", "--as", "b")[0] == DECIDE


def test_what_happened_before_the_first_check_in_is_shown_and_asks_for_nothing(lab, command):
    noting.note(lab, "idle", "long ago", {})
    code, out, _ = command("checkin")
    assert (code, "long ago" in out) == (0, True)


def test_news_is_asked_about_once_and_the_latest_of_many_is_shown(lab, command):
    command("checkin")
    for number in range(25):
        noting.note(lab, "idle", f"number {number}", {})
    code, out, _ = command("checkin")
    assert code == DECIDE
    assert ("number 24" in out, "number 4" in out) == (True, False)
    assert "left out: 5 earlier events; pawn-lab events shows them" in out
    assert command("checkin")[0] == 0


def test_in_full_it_shows_what_runs_with_the_end_of_its_log_and_who_watches(lab, command):
    answer = command.json("checkin", "--full")
    assert len(answer["running"]["rows"]) == 2
    assert '"pid"' in answer["logs"]["rows"][0][1]
    assert answer["watch"].startswith("nobody: `pawn-lab watch`")


@pytest.mark.parametrize("name", ["../x", "", ".", "a/b", "x" * 41, "a\x00"])
def test_a_name_that_would_do_as_no_file_is_refused(lab, command, name):
    code, out, err = command("checkin", "--as", name)
    assert (code, out) == (2, "")
    assert "--as" in err
    assert not lab.paths.check_in("x").parent.exists()


def test_a_cursor_that_nothing_has_reached_begins_at_the_end(lab, command):
    command("checkin")
    lab.paths.check_in("loop").write_text('{"cursor": 99999}')
    assert kinds(command.json("checkin")) == []
    assert queries.latest_event(lab) < 99999


def test_there_is_nothing_to_check_where_there_is_no_lab(command):
    code, _, err = command("checkin")
    assert (code, "no lab" in err) == (2, True)


def test_events_are_chosen_by_how_much_they_matter(lab, command):
    noting.note(lab, "idle", "a warning", {})
    noting.note(lab, "stop", "critical", {})
    assert kinds(command.json("events", "--min-severity", "warning")) == ["idle", "stop"]
    _, out, _ = command("events", "--min-severity", "critical")
    assert ("critical" in out, "a warning" in out) == (True, False)
    assert command("events", "--min-severity", "loud")[0] == 2

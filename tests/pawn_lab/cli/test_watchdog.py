"""`pawn-lab webhook` and what `pawn-lab watch` refuses."""

import io
import sys

import pytest
from cli_command import Command
from webhooks import Receiver, receiver

from pawn_lab.lab import Lab, queries

__all__ = ["receiver"]


@pytest.fixture
def command(workspace, capsys, monkeypatch) -> Command:
    Lab.open(workspace).close()
    return Command(workspace, capsys, monkeypatch)


def test_a_webhook_is_set_once_a_test_message_has_arrived_and_its_secret_is_never_shown(
    command, receiver: Receiver
):
    answer = command.json("webhook", "set", receiver.url, "--min-severity", "critical")
    assert answer["webhook"] == "http://127.0.0.1/[masked]"
    assert "this is a test" in receiver.messages[0]["text"]
    assert command.json("webhook") == answer
    command.json("webhook", "test")
    assert len(receiver.messages) == 2
    assert command.json("webhook", "remove") == {"webhook": "none"}
    code, _, err = command("webhook", "test")
    assert (code, "no webhook is set: pawn-lab webhook set URL" in err) == (2, True)


def test_an_address_that_takes_no_test_message_is_not_set(command, receiver):
    receiver.statuses = [403]
    code, _, err = command("webhook", "set", receiver.url)
    assert (code, err) == (2, "pawn-lab: the webhook answered HTTP 403\n")
    assert command.json("webhook") == {"webhook": "none"}


def test_an_address_is_read_from_stdin_so_that_no_list_of_processes_shows_it(
    command, receiver, monkeypatch
):
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{receiver.url}\n"))
    command.json("webhook", "set", "-")
    assert len(receiver.messages) == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--stop-when-idle"], "--stop-when-idle needs --stop-command, or PAWN_STOP_COMMAND"),
        (["--interval-s", "0"], "--interval-s 0 is not allowed: over 0, to 3600"),
        (["--stop-when-idle", "--stop-command", "x", "--idle-min", "-1"], "--idle-min -1 is not"),
        (["--stop-when-idle", "--stop-command", "x", "--grace-min", "nan"], "--grace-min nan is"),
    ],
)
def test_a_watch_that_cannot_do_what_it_is_asked_is_refused(command, options, said, monkeypatch):
    monkeypatch.delenv("PAWN_STOP_COMMAND", raising=False)
    code, _, err = command("watch", *options)
    assert (code, said in err) == (2, True)


def test_a_machine_is_asked_to_be_kept(command):
    command("watch", "--keep")
    with Lab.open(command.workspace) as lab:
        [event] = queries.events(lab).events
    assert (event.kind, event.message) == ("keep", "the machine is to be kept, asked by cli")

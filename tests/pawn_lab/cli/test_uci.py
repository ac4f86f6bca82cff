"""`pawn-lab uci` hands over to a model that plays."""

import inspect
import sys

from cli_command import Command

from pawn_core.uci.play_settings import OPTIONS
from pawn_lab.cli import uci as verb


def test_it_becomes_the_chess_program_with_what_was_asked_for(
    tmp_path, capsys, monkeypatch
) -> None:
    started = []
    monkeypatch.setattr(verb.os, "execv", lambda path, command: started.append((path, command)))
    command = Command(tmp_path / "runs", capsys, monkeypatch)
    code, out, err = command("uci", "--source", "trial:3@best", "--temperature", "0", "--seed", "7")
    assert (code, out, err) == (0, "", "")
    trials = tmp_path / "runs" / "trials"
    asked = ["--source=trial:3@best", f"--trials={trials}", "--temperature=0", "--seed=7"]
    assert started == [(sys.executable, [sys.executable, "-m", "pawn_core.uci", *asked])]


def test_every_option_of_the_program_is_an_option_of_the_command() -> None:
    options = set(inspect.signature(verb.uci).parameters)
    assert options == {"source", "workspace", *(option.field for option in OPTIONS)}

"""`pawn-lab doctor` at the command line."""

import json

import pytest
from cli_command import Command

from pawn_lab import doctor
from pawn_lab.doctor import Diagnosis


@pytest.fixture
def finds(monkeypatch: pytest.MonkeyPatch):
    def set_(*findings: Diagnosis) -> None:
        found = [("disk", finding) for finding in findings]
        monkeypatch.setattr(doctor, "examine", lambda _: found)

    return set_


@pytest.fixture
def run(tmp_path, capsys, monkeypatch) -> Command:
    return Command(tmp_path / "runs", capsys, monkeypatch)


def test_a_fault_is_shown_with_what_mends_it_and_the_exit_code_says_so(run, finds):
    finds(Diagnosis("ok", "well"), Diagnosis("fail", "0.1 GiB free", "pawn-lab disk"))
    code, out, _ = run("doctor")
    assert code == 1
    assert "0.1 GiB free" in out
    assert "mend: pawn-lab disk" in out


def test_a_warning_is_no_fault(run, finds):
    finds(Diagnosis("warn", "no login", "hf auth login"))
    assert run("doctor")[0] == 0


def test_a_program_reads_each_finding_as_an_object(run, finds):
    finds(Diagnosis("fail", "0.1 GiB free", "pawn-lab disk"))
    code, out, _ = run("doctor", "--json")
    assert code == 1
    assert json.loads(out) == [
        {"check": "disk", "status": "fail", "what": "0.1 GiB free", "mend": "pawn-lab disk"}
    ]


@pytest.mark.slow
def test_this_machine_is_well(run):
    code, out, err = run("doctor", "--json")
    found = {row["check"]: row["status"] for row in json.loads(out)}
    assert (code, err) == (0, "")
    assert (found["torch"], found["toolchain"]) == ("ok", "ok")

"""The hooks that run at every command and every end of a turn: what they say, and to which host."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import apsw
import pytest
from lab_testing import add_ended_trial, add_running_trial
from past_trials import TOY

from pawn_lab.lab import Lab, notebook
from pawn_lab.paths import WORKSPACE_NAME, WORKSPACE_VARIABLE, WorkspacePaths

HOOKS = Path(__file__).parents[2] / "hooks"
SHELL = {"tool_name": "Bash", "tool_input": {"command": "pawn-train --config c.json"}}


def answer(name: str, event: dict[str, Any], project: Path, **variables: str) -> dict[str, Any]:
    """Run a hook as a host does and return what it answers; empty where it says nothing."""
    away = (WORKSPACE_VARIABLE, "CLAUDE_PROJECT_DIR")
    environment = {k: v for k, v in os.environ.items() if k not in away} | variables
    done = subprocess.run(
        ["sh", HOOKS / "run.sh", name],
        input=json.dumps({"cwd": str(project)} | event).encode(),
        capture_output=True,
        env=environment,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    return json.loads(done.stdout) if done.stdout else {}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    with Lab.open(tmp_path / WORKSPACE_NAME):
        pass
    return tmp_path


@pytest.fixture
def finished(project: Path) -> Path:
    """A project whose lab has a trial that ended just now, which no note names."""
    with Lab.open(project / WORKSPACE_NAME) as lab:
        add_ended_trial(lab, TOY)
    return project


@pytest.fixture
def running(project: Path) -> Iterator[Path]:
    """A project whose lab has a trial that runs."""
    with Lab.open(project / WORKSPACE_NAME) as lab, add_running_trial(lab, TOY):
        yield project


def files_of(project: Path) -> dict[str, tuple[bytes, int]]:
    files = [path for path in (project / WORKSPACE_NAME).rglob("*") if path.is_file()]
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in files}


def note(project: Path, text: str) -> None:
    with Lab.open(project / WORKSPACE_NAME) as lab:
        notebook.append(lab, text)


def test_an_agent_stops_once_the_newest_result_is_in_the_notes(finished):
    kept = answer("stop", {"hook_event_name": "Stop"}, finished)
    assert kept["decision"] == "block"
    assert "Trial 1 ended (completed)" in kept["reason"]
    assert "lab_notes(append=" in kept["reason"]
    note(finished, "Trial 1 showed that the toy learns.")
    assert answer("stop", {"hook_event_name": "Stop"}, finished) == {}


def test_an_agent_that_was_kept_already_may_stop(finished):
    for said in ({"stop_hook_active": True}, {"loop_count": 1}):
        assert answer("stop", {"hook_event_name": "Stop"} | said, finished) == {}


def test_a_note_after_the_end_is_enough_though_it_names_no_trial(finished):
    later = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(time.time() + 60))
    notes = finished / WORKSPACE_NAME / "lab-notes.md"
    notes.write_text(f"# Lab notes\n\n## Found\n_{later}_\n\nAll is well.\n", encoding="utf-8")
    assert answer("stop", {"hook_event_name": "Stop"}, finished) == {}


def test_the_summary_of_a_compaction_is_no_note(finished):
    later = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(time.time() + 3600))
    notes = finished / WORKSPACE_NAME / "lab-notes.md"
    notes.write_text(f"## Compaction summary\n_{later}_\n\nsummary\n", encoding="utf-8")
    assert answer("stop", {"hook_event_name": "Stop"}, finished)["decision"] == "block"


def test_results_of_another_day_keep_nobody(finished):
    with closing(apsw.Connection(str(finished / WORKSPACE_NAME / "lab.db"))) as database:
        database.execute("UPDATE trials SET ended_at = ended_at - 86400")
    assert answer("stop", {"hook_event_name": "Stop"}, finished) == {}


def test_a_person_hears_which_trials_run_on_and_the_agent_may_stop(running):
    said = answer("stop", {"hook_event_name": "Stop"}, running)
    assert said == {"systemMessage": "PAWN lab: trials that run on: 1."}


@pytest.mark.parametrize(
    ("event", "understood"),
    [
        ({"hook_event_name": "Stop"}, ("decision", "block")),
        ({"hook_event_name": "AfterAgent"}, ("decision", "deny")),
        ({"hookEventName": "Stop", "timestamp": "2026"}, ("decision", "block")),
        ({"hook_event_name": "stop", "loop_count": 0}, ("followup_message", None)),
    ],
    ids=["claude-code", "gemini-cli", "vscode", "cursor"],
)
def test_each_host_is_kept_in_its_own_words(finished, event, understood):
    said = answer("stop", event, finished)
    field, value = understood
    assert value is None or said[field] == value
    assert "Trial 1" in (said.get("reason") or said[field])
    assert ("hookSpecificOutput" in said) == ("timestamp" in event)


@pytest.mark.parametrize(
    ("event", "path"),
    [
        (
            {"hook_event_name": "PreToolUse"} | SHELL,
            ("hookSpecificOutput", "permissionDecisionReason"),
        ),
        ({"hook_event_name": "BeforeTool"} | SHELL, ("reason",)),
        (
            {"hook_event_name": "beforeShellExecution", "command": "pawn-train --config c.json"},
            ("agent_message",),
        ),
    ],
    ids=["claude-code", "gemini-cli", "cursor"],
)
def test_a_bare_training_is_answered_with_the_labs_own_call(project, event, path):
    said: Any = answer("pre_tool_use", event, project)
    decision = json.dumps(said)
    assert '"deny"' in decision
    for key in path:
        said = said[key]
    assert "lab_launch" in said
    assert "PAWN_BARE=1" in said


def decision(command: str, project: Path) -> str | None:
    event = {"hook_event_name": "PreToolUse", "tool_input": {"command": command}}
    said = answer("pre_tool_use", event, project)
    return said.get("hookSpecificOutput", {}).get("permissionDecision")


@pytest.mark.parametrize(
    "command",
    [
        "cd x && nohup /opt/bin/pawn-train --run-type pretrain > log &",
        "CUDA_VISIBLE_DEVICES=0 uv run --no-sync pawn-train --lr 1e-3",
        "python3 -u -m pawn_core --config c.json",
        "torchrun --nproc-per-node 2 -m pawn_core --config c.json",
        'bash -c "pawn-train --config c.json"',
        "python scripts/train_all.py --config c.json",
    ],
)
def test_a_training_is_recognized_however_it_is_started(project, command):
    (project / "scripts").mkdir()
    (project / "pawn_core").mkdir()
    assert decision(command, project) == "deny"


@pytest.mark.parametrize(
    "command",
    [
        "PAWN_BARE=1 pawn-train --config c.json",
        "pawn-train --help",
        "grep -rn pawn-train docs",
        "git commit -m 'Let pawn-train resume'",
        "python scripts/train_all.py",  # another project's: no pawn_core beside it
        "cat scripts/train.py | head",
        "pawn-lab launch --config c.json",
        "",
    ],
)
def test_what_is_no_bare_training_is_let_through(project, command):
    assert decision(command, project) is None


def test_without_a_lab_nothing_is_refused(tmp_path):
    assert decision("pawn-train --config c.json", tmp_path) is None


def test_a_helper_learns_what_the_lab_is_doing(running):
    said = answer("subagent_start", {"hook_event_name": "SubagentStart"}, running)
    text = said["hookSpecificOutput"]["additionalContext"]
    assert said["hookSpecificOutput"]["hookEventName"] == "SubagentStart"
    assert "1 running" in text
    assert "Running: 1." in text
    assert "lab_events(since=" in text


def test_a_session_of_cursor_begins_with_the_lab_too(project):
    event = {"hook_event_name": "sessionStart", "workspace_roots": [str(project)], "cwd": None}
    assert "PAWN lab now" in answer("session_start", event, project)["additional_context"]


@pytest.mark.parametrize("name", ["stop", "subagent_start", "pre_tool_use"])
def test_a_quick_hook_writes_nothing(finished, running, name):
    event = {"hook_event_name": "Stop"} | SHELL
    with Lab.open(running / WORKSPACE_NAME):
        before = files_of(running)
        answer(name, event, running)
        assert files_of(running) == before
    before = files_of(running)
    answer(name, event, running)
    assert files_of(running) == before


@pytest.mark.parametrize("stdin", [b"", b"not json", b"[1]", b'{"tool_input": 3}', b"\xff{pawn"])
@pytest.mark.parametrize("name", ["stop", "subagent_start", "pre_tool_use"])
def test_malformed_input_never_fails_a_quick_hook(name, stdin, tmp_path):
    done = subprocess.run(
        ["sh", HOOKS / "run.sh", name], input=stdin, capture_output=True, cwd=tmp_path, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


@pytest.mark.parametrize("name", ["stop", "subagent_start"])
def test_a_database_that_cannot_be_read_is_none(project, name):
    (project / WORKSPACE_NAME / "lab.db").write_bytes(b"garbage" * 1000)
    assert answer(name, {"hook_event_name": "Stop"}, project) == {}


@pytest.mark.parametrize(
    ("plugin", "environment"),
    [("plugin", "plugin/.venv"), ("venv/lib/python3.11/site-packages/pawn_lab/share", "venv")],
    ids=["checkout", "wheel"],
)
def test_a_hook_runs_with_the_python_of_its_installation(tmp_path, plugin, environment):
    shutil.copytree(HOOKS, tmp_path / plugin / "hooks")
    python = tmp_path / environment / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\necho "$@"\n')
    python.chmod(0o755)
    runner = tmp_path / plugin / "hooks" / "run.sh"
    said = [
        subprocess.run(["sh", runner, name], capture_output=True, text=True, check=True).stdout
        for name in ("stop", "session_start")
    ]
    quick, whole = (line.split() for line in said)
    assert quick == ["-S", str(runner.with_name("stop.py"))]
    assert whole == [str(runner.with_name("session_start.py"))]


def in_hooks(code: str) -> str:
    """Run code as a hook is run: beside the others, with the standard library alone."""
    command = [sys.executable, "-S", "-c", code]
    return subprocess.run(command, cwd=HOOKS, capture_output=True, text=True, check=True).stdout


def test_quick_hooks_load_nothing_of_the_lab():
    code = "import sys, stop, subagent_start, pre_tool_use; print(*sys.modules)"
    loaded = in_hooks(code).split()
    assert not {"pawn_lab", "pydantic", "apsw", "pathlib", "sqlite3"} & set(loaded)


def test_the_quick_hooks_know_a_labs_files_by_their_names():
    paths = WorkspacePaths(Path("lab"))
    expected = (paths.database.name, paths.notes.name, WORKSPACE_NAME, WORKSPACE_VARIABLE)
    names = "glance.DATABASE, glance.NOTES, glance.WORKSPACE, glance.WORKSPACE_VARIABLE"
    assert tuple(in_hooks(f"import glance; print({names})").split()) == expected

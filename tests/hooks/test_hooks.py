"""The hooks as the agent's harness runs them: a process, an event on stdin."""

import json
import os
import subprocess
from pathlib import Path

import pytest

HOOKS = Path(__file__).parents[2] / "hooks"


def run_hook(name: str, stdin: str | bytes, project: Path) -> subprocess.CompletedProcess[bytes]:
    environment = {k: v for k, v in os.environ.items() if k != "PAWN_WORKSPACE"}
    return subprocess.run(
        ["sh", HOOKS / "run.sh", name],
        input=stdin if isinstance(stdin, bytes) else stdin.encode(),
        capture_output=True,
        env=environment | {"CLAUDE_PROJECT_DIR": str(project)},
        timeout=30,
        check=False,
    )


def compaction(summary: str) -> str:
    event = {"hook_event_name": "PostCompact", "trigger": "auto", "compact_summary": summary}
    return json.dumps(event | {"session_id": "s", "transcript_path": "/t", "cwd": "/"})


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "runs").mkdir()
    return tmp_path


def kept_notes(project: Path) -> str:
    files = (project / "runs" / name for name in ("lab-notes.md", "lab-notes-archive.md"))
    return "".join(path.read_text() for path in files if path.exists())


def test_every_command_of_hooks_json_names_a_script_that_exists():
    events = json.loads((HOOKS / "hooks.json").read_text())["hooks"]
    commands = [
        hook["command"] for rows in events.values() for row in rows for hook in row["hooks"]
    ]
    assert set(events) == {"PostCompact", "SessionStart"}
    for command in commands:
        runner, name = command.removeprefix("sh ").rsplit(" ", 1)
        assert runner.strip('"') == "${CLAUDE_PLUGIN_ROOT}/hooks/run.sh"
        assert (HOOKS / f"{name}.py").is_file()


def test_the_summary_of_a_compaction_is_put_before_the_next_session(project):
    done = run_hook("post_compact", compaction("Chose lr 1e-3 for mate-boost."), project)
    assert (done.returncode, done.stdout) == (0, b"")
    started = run_hook("session_start", '{"source": "compact"}', project)
    output = json.loads(started.stdout)["hookSpecificOutput"]
    assert output["hookEventName"] == "SessionStart"
    assert "Chose lr 1e-3 for mate-boost." in output["additionalContext"]


def test_a_summary_larger_than_a_note_is_kept_whole_in_parts(project):
    lines = [f"# finding {number}: " + "é" * 40 for number in range(400)]
    assert run_hook("post_compact", compaction("\n".join(lines)), project).returncode == 0
    kept = kept_notes(project)
    assert all(f"finding {number}:" in kept for number in range(400))
    assert kept.count("é") == 400 * 40


@pytest.mark.parametrize(
    "stdin", ["", "not json", "[1]", "null", '{"compact_summary": 7}', '{"cwd": 3}', b"\xff\xfe{"]
)
@pytest.mark.parametrize("hook", ["post_compact", "session_start"])
def test_malformed_input_never_fails_a_hook(hook, stdin, project):
    done = run_hook(hook, stdin, project)
    assert (done.returncode, done.stderr) == (0, b"")


def test_text_that_is_no_event_is_kept_as_it_came(project):
    run_hook("post_compact", "summary without an envelope", project)
    assert "summary without an envelope" in kept_notes(project)


def test_a_session_sees_the_newest_notes_within_its_budget(project):
    for number in range(8):
        run_hook("post_compact", compaction(f"note {number:02} " + "x" * 1500), project)
    context = json.loads(run_hook("session_start", "{}", project).stdout)
    text = context["hookSpecificOutput"]["additionalContext"]
    assert "note 07" in text
    assert "note 00" not in text
    assert "lab_notes" in text
    assert 6_000 < len(text) <= 10_000


def test_hooks_leave_a_project_without_a_lab_alone(tmp_path):
    run_hook("post_compact", compaction("elsewhere"), tmp_path)
    assert run_hook("session_start", "{}", tmp_path).stdout == b""
    assert list(tmp_path.iterdir()) == []


def test_a_lab_that_cannot_be_read_costs_only_the_digest(project):
    (project / "runs" / "lab.db").write_bytes(b"garbage" * 1000)
    done = run_hook("post_compact", compaction("kept all the same"), project)
    assert done.returncode == 0
    assert b"no digest of the lab" in done.stderr
    assert "kept all the same" in kept_notes(project)

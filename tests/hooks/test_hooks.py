"""The hooks as the agent's harness runs them: a process, an event on stdin."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from pawn_lab.lab import Lab

HOOKS = Path(__file__).parents[2] / "hooks"


def run_hook(
    name: str, stdin: str | bytes, project: Path | None = None, **variables: str
) -> subprocess.CompletedProcess[bytes]:
    variables |= {} if project is None else {"CLAUDE_PROJECT_DIR": str(project)}
    away = ("PAWN_WORKSPACE", "CLAUDE_PROJECT_DIR")
    environment = {k: v for k, v in os.environ.items() if k not in away} | variables
    return subprocess.run(
        ["sh", HOOKS / "run.sh", name],
        input=stdin if isinstance(stdin, bytes) else stdin.encode(),
        capture_output=True,
        env=environment,
        timeout=30,
        check=False,
    )


def compaction(summary: str) -> str:
    event = {"hook_event_name": "PostCompact", "trigger": "auto", "compact_summary": summary}
    return json.dumps(event | {"session_id": "s", "transcript_path": "/t", "cwd": "/"})


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "lab-notes.md").write_text("# Lab notes\n", encoding="utf-8")
    return tmp_path


def kept_notes(project: Path) -> str:
    files = (project / "runs" / name for name in ("lab-notes.md", "lab-notes-archive.md"))
    return "".join(path.read_text(encoding="utf-8") for path in files if path.exists())


def test_the_summary_of_a_compaction_is_put_before_the_next_session(project):
    done = run_hook("post_compact", compaction("Chose lr 1e-3 for mate-boost."), project)
    assert (done.returncode, done.stdout) == (0, b"")
    started = run_hook("session_start", '{"source": "compact"}', project)
    output = json.loads(started.stdout)["hookSpecificOutput"]
    assert output["hookEventName"] == "SessionStart"
    assert "Chose lr 1e-3 for mate-boost." in output["additionalContext"]


def context_of(project: Path | None, stdin: str = "{}", **variables: str) -> str:
    started = run_hook("session_start", stdin, project, **variables).stdout
    return json.loads(started)["hookSpecificOutput"]["additionalContext"] if started else ""


def test_a_summary_larger_than_a_note_keeps_its_start_and_its_end(project):
    lines = [f"# finding {number}: " + "é" * 40 for number in range(400)]
    assert run_hook("post_compact", compaction("\n".join(lines)), project).returncode == 0
    kept = kept_notes(project)
    assert "finding 0:" in kept
    assert "finding 399:" in kept
    assert len(kept.encode()) < 9_000


def test_notes_of_the_agent_stay_whole_and_before_the_summary_after_three_compactions(project):
    note = "## Phase 1\nchosen lr 1e-3\n" + "x" * 3000 + "\nend of phase 1\n"
    (project / "runs" / "lab-notes.md").write_text(f"# Lab notes\n\n{note}", encoding="utf-8")
    for number in range(3):
        run_hook("post_compact", compaction(f"summary {number} " + "y" * 14_000), project)
    context = context_of(project)
    assert note.strip() in context
    assert context.index("end of phase 1") < context.index("yyyy")
    assert "summary 0" not in kept_notes(project)
    assert len(context) < 10_000


def test_half_an_emoji_costs_one_character_of_a_summary(project):
    run_hook("post_compact", compaction("before \ud83d after"), project)
    assert "before \ufffd after" in kept_notes(project)


def test_notes_in_any_script_survive_a_hook_in_a_locale_without_them(project):
    notes = project / "runs" / "lab-notes.md"
    notes.write_text("# Lab notes\n\n## Mine\ngrößer, 日本\n", encoding="utf-8")
    locale = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    run_hook("post_compact", compaction("summary in größe"), project, **locale)
    assert "größer, 日本" in kept_notes(project)
    assert "summary in größe" in kept_notes(project)
    assert "größer, 日本" in context_of(project, **locale)


def test_what_looks_like_a_secret_is_neither_kept_nor_shown(project):
    notes = project / "runs" / "lab-notes.md"
    notes.write_text("# Lab notes\n\n## Mine\nHF_TOKEN=hf_of_a_person1\n", encoding="utf-8")
    run_hook("post_compact", compaction("exported hf_of0a0summary12345"), project)
    assert "exported [masked]" in kept_notes(project)
    assert "HF_TOKEN=[masked]" in context_of(project)


def test_a_folder_that_is_merely_called_runs_is_no_lab(tmp_path):
    (tmp_path / "runs" / "detect").mkdir(parents=True)
    run_hook("post_compact", compaction("private"), tmp_path)
    assert [file.name for file in (tmp_path / "runs").iterdir()] == ["detect"]
    assert context_of(tmp_path) == ""


@pytest.mark.parametrize("told_by", ["event", "variable"])
def test_a_session_started_in_a_subfolder_of_the_project_has_its_lab(project, told_by):
    (project / ".git").mkdir()
    inside = project / "src" / "deep"
    inside.mkdir(parents=True)
    where = {"event": (None, json.dumps({"cwd": str(inside)})), "variable": (inside, "{}")}[told_by]
    event = json.loads(where[1]) | {"compact_summary": "seen from below"}
    run_hook("post_compact", json.dumps(event), where[0])
    assert "seen from below" in kept_notes(project)
    assert "seen from below" in context_of(*where)


def test_the_lab_of_a_project_around_hears_nothing_of_this_one(project):
    other = project / "vendored"
    (other / ".git").mkdir(parents=True)
    run_hook("post_compact", compaction("private"), other)
    assert "private" not in kept_notes(project)


def test_a_session_begins_with_what_needs_a_decision(project):
    with Lab.open(project / "runs"):
        pass
    context = context_of(project)
    first, second = context.splitlines()[1:3]
    assert "lab_launch" in first
    assert "lab_events(since=" in second


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
    sections = "".join(f"## Note {n:02}\nnote {n:02} " + "x" * 1500 + "\n\n" for n in range(8))
    (project / "runs" / "lab-notes.md").write_text(f"# Lab notes\n\n{sections}", encoding="utf-8")
    text = context_of(project)
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

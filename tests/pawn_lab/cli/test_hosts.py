"""`pawn-lab install` at the command line."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pawn_lab.cli.app import main

Install = Callable[..., tuple[int, str]]


@pytest.fixture
def install(tmp_path: Path, capsys, monkeypatch: pytest.MonkeyPatch) -> Install:
    """The command in a project of its own; it returns the exit code and what was printed."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for variable in ("PAWN_WORKSPACE", "CLAUDE_CONFIG_DIR", "CODEX_HOME"):
        monkeypatch.delenv(variable, raising=False)
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")

    def call(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["pawn-lab", "install", *arguments])
        code: Any = 0
        try:
            main()
        except SystemExit as exit_:
            code = exit_.code
        printed = capsys.readouterr()
        return code, printed.out + printed.err

    return call


def test_a_dry_run_shows_the_diff_and_writes_nothing(install, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_0a0b0c0d0e0f")
    settings = tmp_path / "project" / ".mcp.json"
    settings.write_text('{"mcpServers": {"other": {"env": {"API_TOKEN": "secret-0123456789"}}}}')
    code, shown = install("--host", "claude-code", "--dry-run")
    assert code == 0
    assert '+    "pawn-lab": {' in shown
    assert '+        "HF_TOKEN": "${HF_TOKEN}"' in shown
    assert "secret-0123456789" not in shown
    assert f"write {tmp_path}/project/.claude/skills/manage-pod/SKILL.md" in shown
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [".mcp.json"]


def test_what_was_written_is_listed_and_a_second_time_there_is_nothing_to_do(install):
    _, said = install("--host", "codex", "--scope", "user")
    assert ".codex/config.toml" in said
    assert "/hooks" in said  # trusting them is left to the person
    assert install("--host", "codex", "--scope", "user")[1].startswith("Codex: nothing to change")
    assert install("--host", "codex", "--scope", "user", "--remove")[0] == 0
    assert install("--host", "codex", "--scope", "user", "--remove")[1] == (
        "Codex: nothing to change\n"
    )


def test_an_unknown_host_is_bad_input(install):
    code, said = install("--host", "emacs")
    assert code == 2
    assert "one of: claude-code, codex, gemini-cli, cursor, vscode" in said

"""The lab in five hosts: put in once, found as it was meant, and taken out without a trace."""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from pawn_lab.doctor import CHECKS
from pawn_lab.errors import InvalidRequestError
from pawn_lab.hosts import HOSTS, Host, Place, Scope, host_named, install, remove
from pawn_lab.hosts import host as host_module
from pawn_lab.hosts.host import SERVER
from pawn_lab.shipped import SKILLS
from pawn_lab.tools import AGENT_TOOLS

SCOPES: tuple[Scope, ...] = ("project", "user")
every_host = pytest.mark.parametrize("host", HOSTS, ids=lambda host: host.name)
every_scope = pytest.mark.parametrize("scope", SCOPES)

SERVERS = {
    "claude-code": {"project": ".mcp.json", "user": ".claude.json"},
    "codex": {"project": ".codex/config.toml", "user": ".codex/config.toml"},
    "gemini-cli": {"project": ".gemini/settings.json", "user": ".gemini/settings.json"},
    "cursor": {"project": ".cursor/mcp.json", "user": ".cursor/mcp.json"},
    "vscode": {"project": ".vscode/mcp.json", "user": ".config/Code/User/mcp.json"},
}
HOOK_FILES = {
    "claude-code": {"project": ".claude/settings.json", "user": ".claude/settings.json"},
    "codex": {"project": ".codex/hooks.json", "user": ".codex/hooks.json"},
    "gemini-cli": SERVERS["gemini-cli"],
    "cursor": {"project": ".cursor/hooks.json", "user": ".cursor/hooks.json"},
    "vscode": {"project": ".github/hooks/pawn-lab.json", "user": ".copilot/hooks/pawn-lab.json"},
}
SKILL_FOLDERS = {
    "claude-code": {"project": ".claude/skills", "user": ".claude/skills"},
    "codex": {"project": ".agents/skills", "user": ".agents/skills"},
    "gemini-cli": {"project": ".gemini/skills", "user": ".gemini/skills"},
    "cursor": {"project": ".cursor/skills", "user": ".cursor/skills"},
    "vscode": {"project": ".github/skills", "user": ".copilot/skills"},
}
OTHER_JSON = (
    '{\n\t"theme": "dark größer 日本",\n\t"mcpServers": {"other": {"command": "x", "n": 1.50}},\n'
    '\t"servers": {},\n\t"version": 1,\n\t"hooks": {"Stop": [{"hooks": [{"type": "command", '
    '"command": "sh other/run.sh stop"}]}], "stop": [{"command": "mine"}]}\n}'
)
OTHER_TOML = '# mine\nmodel = "m"  # why\n\n[mcp_servers.other]\ncommand = "x"\n\n\n'


@pytest.fixture
def place(tmp_path: Path, scope: Scope) -> Place:
    folder, home = tmp_path / "a project", tmp_path / "home"
    folder.mkdir()
    home.mkdir()
    return Place(scope, folder, home, {})


def put(host: Host, place: Place) -> None:
    for change in install(host, place):
        change.make()


def take(host: Host, place: Place) -> None:
    for change in remove(host, place):
        change.make()


def files_of(place: Place) -> dict[str, bytes]:
    root = place.folder.parent
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def of_host(files: dict[str, dict[str, str]], host: Host, place: Place) -> Path:
    return place.base / files[host.name][place.scope]


def written(path: Path) -> dict[str, Any]:
    text = path.read_text(encoding="utf-8")
    return tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)


def server_of(host: Host, place: Place) -> dict[str, Any]:
    document = written(of_host(SERVERS, host, place))
    key = {"codex": "mcp_servers", "vscode": "servers"}.get(host.name, "mcpServers")
    return document[key][SERVER]


def commands_of(host: Host, place: Place) -> dict[str, list[str]]:
    """Return the commands of each event, ours and others."""
    events = written(of_host(HOOK_FILES, host, place))["hooks"]
    return {
        event: [hook["command"] for row in rows for hook in row.get("hooks", [row])]
        for event, rows in events.items()
    }


@every_host
@every_scope
def test_a_host_gets_a_server_that_is_there_hooks_and_skills(host, place):
    put(host, place)
    server = server_of(host, place)
    assert Path(server["command"]).is_file()
    assert Path(server["args"][0]).is_file()
    assert server["args"][-1] == "mcp"
    scripts = [command.rsplit(" ")[-1] for [command] in commands_of(host, place).values()]
    assert {"session_start", "post_compact", "stop", "pre_tool_use"} <= set(scripts)
    for skill in SKILLS.iterdir():
        copy = of_host(SKILL_FOLDERS, host, place) / skill.name / "SKILL.md"
        assert copy.read_bytes() == (skill / "SKILL.md").read_bytes()


@every_host
@every_scope
def test_putting_it_in_twice_changes_nothing(host, place):
    put(host, place)
    assert install(host, place) == []


@every_host
@every_scope
def test_taking_it_out_leaves_no_file(host, place):
    put(host, place)
    take(host, place)
    assert files_of(place) == {}
    assert remove(host, place) == []


@every_host
@every_scope
def test_whatever_was_there_stays_and_is_left_byte_for_byte(host, place):
    for files in (SERVERS, HOOK_FILES):
        path = of_host(files, host, place)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(OTHER_TOML if path.suffix == ".toml" else OTHER_JSON, encoding="utf-8")
        path.chmod(0o600)
    before = files_of(place)
    documents = {path: written(place.folder.parent / path) for path in before}
    put(host, place)
    for path, document in documents.items():
        full = place.folder.parent / path
        assert is_within(document, written(full)), path
        assert full.stat().st_mode & 0o777 == 0o600
        assert full.with_name(f"{full.name}.before-pawn-lab").read_bytes() == before[path]
    take(host, place)
    assert files_of(place) == before


def is_within(part: Any, whole: Any) -> bool:
    """Say whether all of a document is in another, lists in their order at the start."""
    if isinstance(part, dict):
        return all(key in whole and is_within(value, whole[key]) for key, value in part.items())
    return whole[: len(part)] == part if isinstance(part, list) else part == whole


@every_host
@every_scope
def test_what_came_in_meanwhile_survives_the_taking_out(host, place):
    put(host, place)
    path = of_host(SERVERS, host, place)
    if path.suffix == ".toml":
        path.write_text(path.read_text() + "\n[tui]\ntheme = 'dark'\n")
        expected = {"tui": {"theme": "dark"}}
    else:
        document = written(path)
        document["later"] = {"kept": True}
        path.write_text(json.dumps(document))
        expected = {"later": {"kept": True}}
    take(host, place)
    assert written(path) == expected


@pytest.mark.parametrize("scope", ["project"])
def test_a_server_of_our_name_comes_back_when_ours_is_taken_out(place):
    mine = {"mcpServers": {"pawn-lab": {"command": "mine"}}}
    (place.folder / ".mcp.json").write_text(json.dumps(mine))
    host = host_named("claude-code")
    put(host, place)
    assert server_of(host, place)["command"] != "mine"
    take(host, place)
    assert written(place.folder / ".mcp.json") == mine


@pytest.mark.parametrize("scope", ["user"])
def test_hooks_of_another_installation_are_replaced_where_they_stand(place):
    host = host_named("codex")
    put(host, place)
    path = of_host(HOOK_FILES, host, place)
    document = written(path)
    old = {"hooks": [{"type": "command", "command": "sh '/old lab/hooks/run.sh' stop"}]}
    other = {"hooks": [{"type": "command", "command": "sh other.sh stop"}]}
    path.write_text(json.dumps({"hooks": document["hooks"] | {"Stop": [old, other]}}))
    put(host, place)
    first, second = commands_of(host, place)["Stop"]
    assert first != old["hooks"][0]["command"]
    assert second == "sh other.sh stop"


@pytest.mark.parametrize("scope", ["project"])
def test_a_hook_of_somebody_else_in_our_row_is_kept(place):
    host = host_named("claude-code")
    put(host, place)
    path = of_host(HOOK_FILES, host, place)
    document = written(path)
    document["hooks"]["Stop"][0]["hooks"].append({"type": "command", "command": "theirs"})
    path.write_text(json.dumps(document))
    put(host, place)
    assert sorted(c.split()[-1] for c in commands_of(host, place)["Stop"]) == ["stop", "theirs"]
    take(host, place)
    assert commands_of(host, place) == {"Stop": ["theirs"]}


@pytest.mark.parametrize("scope", ["project"])
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{\n  // mine\n  "mcpServers": {}\n}', "not plain JSON"),
        ('{"mcpServers": {"a": {}}, "mcpServers": {}}', "stands twice"),
        ("[1]", "no JSON object"),
        ('{"mcpServers": []}', "no object at mcpServers"),
    ],
)
def test_a_file_that_would_lose_something_is_refused_and_none_is_changed(place, text, reason):
    path = place.folder / ".gemini" / "settings.json"
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(InvalidRequestError, match=reason) as refused:
        put(host_named("gemini-cli"), place)
    assert str(path) in str(refused.value)
    assert list(files_of(place)) == ["a project/.gemini/settings.json"]
    assert path.read_text() == text


@pytest.mark.parametrize("scope", ["user"])
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('[mcp_servers.pawn-lab]\ncommand = "mine"\n', "did not write"),
        ('mcp_servers = {other = {command = "x"}}\n', "cannot take"),
        ("model = \n", "cannot take"),
    ],
)
def test_a_toml_that_has_no_room_for_ours_is_refused(place, text, reason):
    path = place.home / ".codex" / "config.toml"
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(InvalidRequestError, match=reason):
        install(host_named("codex"), place)


@pytest.mark.parametrize("scope", ["user"])
def test_a_file_that_is_a_link_is_changed_where_it_lies(place, tmp_path):
    real = tmp_path / "dotfiles" / "claude.json"
    real.parent.mkdir()
    real.write_text('{"theme": "dark"}')
    link = place.home / ".claude.json"
    link.symlink_to(real)
    put(host_named("claude-code"), place)
    assert link.is_symlink()
    assert SERVER in written(real)["mcpServers"]
    take(host_named("claude-code"), place)
    assert real.read_text() == '{"theme": "dark"}'


@every_host
@every_scope
def test_a_secret_is_named_to_a_host_and_written_nowhere(host, place):
    token = "hf_" + "0a" * 12
    environment = {"HF_TOKEN": token, "PAWN_CPU_SLOTS": "2"}
    given = Place(place.scope, place.folder, place.home, environment)
    put(host, given)
    assert all(token.encode() not in content for content in files_of(place).values())
    server = server_of(host, given)
    assert server["env"]["PAWN_CPU_SLOTS"] == "2"
    assert "HF_TOKEN" in (server.get("env_vars") or server["env"])


@every_host
@pytest.mark.parametrize("scope", ["project"])
def test_a_projects_server_is_told_which_lab_is_the_projects(host, place):
    put(host, place)
    assert server_of(host, place)["env"]["PAWN_WORKSPACE"] == str(place.folder / "runs")


@pytest.mark.parametrize("scope", ["user"])
@pytest.mark.parametrize("name", ["cursor", "vscode"])
def test_hosts_that_start_servers_anywhere_lead_them_to_the_project(name, place):
    put(host_named(name), place)
    workspace = server_of(host_named(name), place)["env"]["PAWN_WORKSPACE"]
    assert workspace == "${workspaceFolder}/runs"


@pytest.mark.parametrize("scope", ["user"])
def test_hooks_are_told_of_a_lab_that_lies_elsewhere(place):
    lab = place.folder.parent / "the lab's"
    lab.mkdir()
    (lab / "lab-notes.md").write_text("# Lab notes\n")
    elsewhere = Place("user", place.folder, place.home, {"PAWN_WORKSPACE": str(lab)})
    host = host_named("claude-code")
    put(host, elsewhere)
    [command] = commands_of(host, elsewhere)["PreToolUse"]
    event = {"hook_event_name": "PreToolUse", "tool_input": {"command": "pawn-train --lr 1"}}
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PAWN", "CLAUDE"))}
    done = subprocess.run(
        ["sh", "-c", command],
        input=json.dumps(event).encode(),
        capture_output=True,
        env=environment,
        cwd=place.home,
        check=True,
    )
    assert b"lab_launch" in done.stdout


@pytest.mark.parametrize("scope", ["project"])
def test_vscode_gets_no_second_copy_of_the_hooks_that_it_reads_from_claude_code(place):
    put(host_named("claude-code"), place)
    put(host_named("vscode"), place)
    assert not (place.folder / ".github" / "hooks").exists()
    assert any("Claude Code" in remark for remark in host_named("vscode").remarks(place))


@pytest.mark.parametrize("scope", ["project"])
def test_where_the_plugin_is_enabled_nothing_is_put_in_beside_it(place):
    settings = place.home / ".claude" / "settings.json"
    settings.parent.mkdir()
    settings.write_text('{"enabledPlugins": {"pawn-lab@pawn-lab": true}}')
    with pytest.raises(InvalidRequestError, match="claude plugin disable pawn-lab@pawn-lab"):
        install(host_named("claude-code"), place)


@pytest.mark.parametrize("scope", ["project"])
def test_an_environment_of_uvx_is_no_place_for_a_server(place, monkeypatch):
    monkeypatch.setattr(sys, "prefix", "/home/me/.cache/uv/archive-v0/x1")
    with pytest.raises(InvalidRequestError, match="uv tool install pawn-lab"):
        install(host_named("cursor"), place)


def test_an_installed_wheel_starts_its_own_program(monkeypatch, tmp_path):
    monkeypatch.setattr(host_module, "ROOT", tmp_path)
    assert host_module.server_command() == [str(Path(sys.prefix) / "bin" / "pawn-lab"), "mcp"]


@pytest.mark.parametrize("scope", ["project"])
def test_a_skill_that_a_person_changed_is_neither_replaced_nor_deleted(place):
    host = host_named("claude-code")
    put(host, place)
    page = place.folder / ".claude" / "skills" / "manage-pod" / "SKILL.md"
    page.write_text("mine")
    (page.parent / ".pawn-lab.json").write_text('{"SKILL.md": "of an older version"}')
    with pytest.raises(InvalidRequestError, match="changed by hand"):
        install(host, place)
    take(host, place)
    assert page.read_text() == "mine"


@pytest.mark.parametrize("scope", ["project"])
def test_a_skill_of_somebody_else_is_left_alone(place):
    theirs = place.folder / ".cursor" / "skills" / "manage-pod"
    theirs.mkdir(parents=True)
    with pytest.raises(InvalidRequestError, match="did not write"):
        install(host_named("cursor"), place)
    assert remove(host_named("cursor"), place) == []


def test_no_tool_has_a_name_that_a_host_drops():
    """Cursor: server and tool in 60 characters; others: the plugin's prefix and tool in 64."""
    for tool in AGENT_TOOLS:
        assert len(f"{SERVER}{tool.name}") <= 60
        assert len(f"mcp__plugin_{SERVER}_{SERVER}__{tool.name}") <= 64


def test_an_unknown_host_is_refused_with_those_there_are():
    with pytest.raises(InvalidRequestError, match="'emacs' is unknown; one of: claude-code, codex"):
        host_named("emacs")


def test_the_page_for_agents_names_every_host_check_and_place():
    page = (Path(__file__).parents[3] / "docs" / "agents.md").read_text(encoding="utf-8")
    named = [host.name for host in HOSTS] + [check.__name__ for check in CHECKS]
    places = [files[host.name]["project"] for files in (SERVERS, HOOK_FILES) for host in HOSTS]
    assert [word for word in (*named, *places) if f"`{word}`" not in page] == []

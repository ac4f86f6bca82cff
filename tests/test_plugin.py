"""The repository installs as a plugin, and opens as a project, with the same server."""

import json
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from mcp import StdioServerParameters
from mcp.client import Client

from pawn_lab.tools import AGENT_TOOLS

ROOT = Path(__file__).parents[1]


def read(path: str) -> Any:
    return json.loads((ROOT / path).read_text())


def test_the_plugin_has_the_version_and_licence_of_the_package():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    plugin = read(".claude-plugin/plugin.json")
    expected = (project["name"], project["version"], project["license"])
    assert (plugin["name"], plugin["version"], plugin["license"]) == expected


MANIFESTS = (
    ".claude-plugin/plugin.json",
    ".codex-plugin/plugin.json",
    ".cursor-plugin/plugin.json",
    "gemini-extension.json",
    "plugin.json",
)


@pytest.mark.parametrize("manifest", MANIFESTS)
def test_every_hosts_manifest_says_the_same(manifest):
    fields = ("name", "version", "description")
    ours, first = read(manifest), read(MANIFESTS[0])
    assert [ours[field] for field in fields] == [first[field] for field in fields]


def test_the_manifest_of_agent_plugins_has_the_fields_of_its_closed_schema():
    allowed = {"$schema", "name", "version", "description", "author", "license", "keywords"}
    assert set(read("plugin.json")) <= allowed
    assert set(read("mcp.json")) == {"$schema", "mcpServers"}
    (server,) = read("mcp.json")["mcpServers"].values()
    assert set(server) <= {"type", "command", "args", "env", "cwd"}
    assert server["command"].startswith("./")  # a program of its own, by the specification


HOOK_FILES = {"hooks/hooks.json": 5, "hooks/codex.json": 5, "hooks/cursor.json": 4}
ROOTS = ("${CLAUDE_PLUGIN_ROOT}", "${PLUGIN_ROOT:-$CLAUDE_PLUGIN_ROOT}", "${CURSOR_PLUGIN_ROOT}")


def commands_of(path: str) -> list[str]:
    rows = [row for rows in read(path)["hooks"].values() for row in rows]
    return [hook["command"] for row in rows for hook in row.get("hooks", [row])]


@pytest.mark.parametrize("path", HOOK_FILES)
def test_every_hook_of_a_plugin_is_a_script_of_ours_whatever_the_folder_is_called(path):
    commands = commands_of(path)
    assert len(commands) == HOOK_FILES[path]
    for command in commands:
        runner, name = command.removeprefix("sh ").rsplit(" ", 1)
        root = runner.strip('"').removesuffix("/hooks/run.sh")
        assert runner == f'"{root}/hooks/run.sh"'  # quoted: a path may have spaces
        assert root.removesuffix("${extensionPath}") in ROOTS  # which is Gemini CLI's
        assert (ROOT / "hooks" / f"{name}.py").is_file()


def test_a_hook_is_declared_once_for_each_host():
    """Claude Code and VS Code load hooks/hooks.json by themselves; Gemini CLI knows no timeout."""
    assert "hooks" not in read(".claude-plugin/plugin.json")
    assert "timeout" not in (ROOT / "hooks/hooks.json").read_text()
    for host in ("codex", "cursor"):
        assert read(f".{host}-plugin/plugin.json")["hooks"] == f"./hooks/{host}.json"


def server_of_the_plugin(root: Path) -> list[str]:
    """Return the command by which a host that installed the plugin there starts its server."""
    server = read(".claude-plugin/plugin.json")["mcpServers"]["pawn-lab"]
    words = [server["command"], *server["args"]]
    return [word.replace("${CLAUDE_PLUGIN_ROOT}", str(root)) for word in words]


def server_of_the_project() -> list[str]:
    """Return the command by which a host that opened the repository starts its server."""
    server = read(".mcp.json")["mcpServers"]["pawn-lab"]
    return [server["command"], *server["args"]]


def bare_environment(home: Path) -> dict[str, str]:
    """Return what a host that was not started from a shell hands on: no uv, no Python."""
    return {"PATH": "/usr/bin:/bin", "HOME": str(home), "PAWN_WORKSPACE": str(home / "runs")}


@pytest.fixture
def spaced(tmp_path: Path) -> Path:
    """The repository under a name with spaces and a quote."""
    path = tmp_path / "a lab's place"
    path.symlink_to(ROOT)
    return path


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def tools_of(command: list[str], folder: Path, home: Path) -> set[str]:
    """Start a server as a host does, and list its tools."""
    program, *arguments = command
    process = StdioServerParameters(
        command=program, args=arguments, env=bare_environment(home), cwd=folder
    )
    async with Client(process, read_timeout_seconds=60) as client:
        return {tool.name for tool in (await client.list_tools()).tools}


@pytest.mark.anyio
async def test_the_plugin_starts_its_server_with_a_bare_path_from_any_folder(spaced, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    listed = await tools_of(server_of_the_plugin(spaced), elsewhere, tmp_path)
    assert listed == {tool.name for tool in AGENT_TOOLS}


@pytest.mark.anyio
async def test_the_project_starts_its_server_with_a_bare_path(tmp_path):
    assert await tools_of(server_of_the_project(), ROOT, tmp_path) == {
        tool.name for tool in AGENT_TOOLS
    }


@pytest.mark.parametrize("command", ["pawn-lab", "pawn-train"])
def test_the_launcher_is_found_through_links_and_by_name(spaced, tmp_path, command):
    (tmp_path / "bin").mkdir()
    link = tmp_path / "bin" / command
    link.symlink_to(spaced / "bin" / command)
    for start, folder in (([link], tmp_path), (["sh", command], ROOT / "bin")):
        done = launched([*start, "--help"], folder, tmp_path)
        assert done.returncode == 0
        assert command in done.stdout


@pytest.mark.parametrize("left", ["nothing", "python", "command"])
def test_the_launcher_says_in_one_line_that_the_set_up_is_missing(tmp_path, left):
    root = tmp_path / "not yet"
    shutil.copytree(ROOT / "bin", root / "bin", symlinks=True)
    installed = root / ".venv" / "bin"
    installed.mkdir(parents=True)
    if left != "nothing":
        (installed / {"python": "python", "command": "pawn-lab"}[left]).symlink_to(sys.executable)
    done = launched(server_of_the_plugin(root), tmp_path, tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"pawn-lab: not set up yet; run: make -C '{root}' setup\n"


def launched(command: list[Any], folder: Path, home: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=folder, env=bare_environment(home), capture_output=True, text=True, check=False
    )


def test_no_page_needs_a_program_that_the_set_up_does_not_bring():
    pages = [ROOT / name for name in ("README.md", "AGENTS.md", ".mcp.json")]
    pages += [*ROOT.glob("docs/*.md"), *ROOT.glob("skills/*/*.md"), *ROOT.glob(".claude-plugin/*")]
    for page in pages:
        assert "uv run" not in page.read_text(), page


def test_the_marketplace_offers_this_repository():
    (entry,) = read(".claude-plugin/marketplace.json")["plugins"]
    assert (entry["name"], entry["source"]) == ("pawn-lab", "./")


def test_the_page_for_coding_agents_names_files_that_exist():
    text = (ROOT / "AGENTS.md").read_text()
    for path in (
        "skills/manage-pod/SKILL.md",
        "pawn_lab/demo/study.py",
        ".mcp.json",
        "tests/pawn_lab",
    ):
        assert path in text
        assert (ROOT / path).exists()

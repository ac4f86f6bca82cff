"""The repository installs as a plugin, and opens as a project, with the same server."""

import json
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]


def read(path: str) -> Any:
    return json.loads((ROOT / path).read_text())


def test_the_plugin_has_the_version_and_licence_of_the_package():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    plugin = read(".claude-plugin/plugin.json")
    expected = (project["name"], project["version"], project["license"])
    assert (plugin["name"], plugin["version"], plugin["license"]) == expected


def test_plugin_and_project_start_the_same_command_of_the_package():
    plugin = read(".claude-plugin/plugin.json")["mcpServers"]["pawn-lab"]
    project = read(".mcp.json")["mcpServers"]["pawn-lab"]
    assert plugin["command"] == project["command"] == "uv"
    assert plugin["args"][-2:] == project["args"][-2:] == ["pawn-lab", "mcp"]
    assert "${CLAUDE_PLUGIN_ROOT}" in plugin["args"]


def test_the_marketplace_offers_this_repository():
    (entry,) = read(".claude-plugin/marketplace.json")["plugins"]
    assert (entry["name"], entry["source"]) == ("pawn-lab", "./")


def test_the_page_for_coding_agents_names_files_that_exist():
    text = (ROOT / "AGENTS.md").read_text()
    for path in ("skills/manage-pod/SKILL.md", "scripts/demo.py", ".mcp.json", "tests/pawn_lab"):
        assert path in text
        assert (ROOT / path).exists()

"""The official inspector against `pawn-lab mcp`, in both protocol eras."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from node_tools import installed, run

from pawn_lab.tools import AGENT_TOOLS

pytestmark = installed
ERAS = ("legacy", "modern")
PAWN_LAB = Path(sys.executable).with_name("pawn-lab")


def inspect(folder: Path, era: str, *arguments: str) -> dict[str, Any]:
    """Return what the inspector got from a server of its own."""
    server = (str(PAWN_LAB), "mcp", "--workspace", str(folder / "runs"))
    asked = ("--cli", "--protocol-era", era, *arguments, "--", *server)
    done = run(folder, "mcp-inspector", *asked)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("era", ERAS)
def test_the_inspector_finds_no_error_in_the_schemas_of_the_tools(tmp_path, era):
    listed = inspect(tmp_path, era, "--method", "tools/list", "--strict")
    assert [tool["name"] for tool in listed["tools"]] == [tool.name for tool in AGENT_TOOLS]


@pytest.mark.parametrize("era", ERAS)
def test_the_inspector_gets_the_lab_at_a_glance(tmp_path, era):
    called = inspect(tmp_path, era, "--method", "tools/call", "--tool-name", "lab_status")
    assert called["structuredContent"]["headline"].startswith("No trials yet")

"""Cursor: server and hooks in files of its own, skills beside them.

It drops tools whose name is over 60 characters together with their server's.
"""

from types import MappingProxyType

from pawn_lab.hosts import hooks
from pawn_lab.hosts.changes import Piece
from pawn_lab.hosts.hooks import Hook
from pawn_lab.hosts.host import SERVER, Host, Place, server_entry
from pawn_lab.hosts.json_file import JsonFile
from pawn_lab.hosts.skill_folder import SkillFolder
from pawn_lab.paths import WORKSPACE_NAME, WORKSPACE_VARIABLE

_EVENTS = MappingProxyType(
    {
        "sessionStart": Hook("session_start"),
        "preCompact": Hook("post_compact"),
        "beforeShellExecution": Hook("pre_tool_use"),
        "stop": Hook("stop"),
    }
)
PROJECT_FOLDER = "${workspaceFolder}"
"""What Cursor and VS Code put the project in place of, wherever they start a server."""


def _pieces(place: Place) -> list[Piece]:
    own = place.base / ".cursor"
    entry = in_project(server_entry(place, "${{env:{}}}", type="stdio"))
    rows = hooks.flat(_EVENTS, place.hook_environment())
    return [
        JsonFile(own / "mcp.json", {("mcpServers", SERVER): entry}),
        JsonFile(own / "hooks.json", rows=_lists(rows), basics={"version": 1}),
        SkillFolder(own / "skills"),
    ]


def in_project(entry: dict) -> dict:
    """Return a server's entry that finds the lab of whichever project it is started for."""
    lab = {WORKSPACE_VARIABLE: f"{PROJECT_FOLDER}/{WORKSPACE_NAME}"}
    return entry | {"env": lab | entry["env"]}


def _lists(rows: dict) -> dict:
    """Return rows without the type, which Cursor's have not."""
    return {
        keys: {name: value for name, value in row.items() if name != "type"}
        for keys, row in rows.items()
    }


HOST = Host("cursor", "Cursor", _pieces)

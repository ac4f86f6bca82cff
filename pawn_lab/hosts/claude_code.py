"""Claude Code: the server in `.mcp.json`, hooks in the settings, skills beside them."""

import json
from pathlib import Path

from pawn_lab.errors import InvalidRequestError
from pawn_lab.hosts import hooks
from pawn_lab.hosts.changes import Piece, read
from pawn_lab.hosts.host import SERVER, Host, Place, server_entry
from pawn_lab.hosts.json_file import JsonFile
from pawn_lab.hosts.skill_folder import SkillFolder

_FOLDER_VARIABLE = "CLAUDE_CONFIG_DIR"


def _pieces(place: Place) -> list[Piece]:
    own = place.configured(_FOLDER_VARIABLE, ".claude")
    entry = server_entry(place, "${{{}}}", type="stdio")
    rows = hooks.grouped(hooks.CLAUDE_EVENTS, place.hook_environment())
    return [
        JsonFile(_servers(place), {("mcpServers", SERVER): entry}),
        JsonFile(own / "settings.json", rows=rows),
        SkillFolder(own / "skills"),
    ]


def _servers(place: Place) -> Path:
    if place.scope == "project":
        return place.folder / ".mcp.json"
    return place.configured(_FOLDER_VARIABLE, "") / ".claude.json"


def check_no_plugin(place: Place) -> None:
    """Refuse to put a second server and second hooks beside those of the plugin.

    Raises:
        InvalidRequestError: the plugin is enabled.
    """
    for folder in (place.home / ".claude", place.folder / ".claude"):
        for name in enabled_plugins(read(folder / "settings.json") or b""):
            raise InvalidRequestError(
                f"Claude Code has the plugin {name}, which brings the server, hooks and skills; "
                f"disable it first: claude plugin disable {name}"
            )


def enabled_plugins(settings: bytes) -> list[str]:
    """Return the plugins of the lab that settings enable."""
    try:
        enabled = json.loads(settings).get("enabledPlugins", {})
    except (ValueError, AttributeError):
        return []
    return [name for name, on in enabled.items() if on and name.startswith(f"{SERVER}@")]


HOST = Host("claude-code", "Claude Code", _pieces, check=check_no_plugin)

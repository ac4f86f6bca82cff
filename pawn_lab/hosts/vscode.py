"""VS Code: the server in `mcp.json`, hooks in a file of our own, skills where Copilot looks.

It reads the hooks of Claude Code's settings too, and would run ours twice.
"""

import sys
from pathlib import Path
from types import MappingProxyType

from pawn_lab.hosts import hooks
from pawn_lab.hosts.changes import Piece, read
from pawn_lab.hosts.cursor import in_project
from pawn_lab.hosts.hooks import Hook
from pawn_lab.hosts.host import SERVER, Host, Place, server_entry
from pawn_lab.hosts.json_file import JsonFile
from pawn_lab.hosts.skill_folder import SkillFolder

_EVENTS = MappingProxyType(
    {
        "SessionStart": Hook("session_start"),
        "PreCompact": Hook("post_compact"),
        "SubagentStart": Hook("subagent_start"),
        "PreToolUse": Hook("pre_tool_use"),
        "Stop": Hook("stop"),
    }
)
_MAC = Path("Library", "Application Support", "Code", "User")
_LINUX = Path(".config", "Code", "User")


def _pieces(place: Place) -> list[Piece]:
    project = place.scope == "project"
    servers = place.folder / ".vscode" if project else place.home / _user_folder()
    own = place.base / (".github" if project else ".copilot")
    entry = in_project(server_entry(place, "${{env:{}}}", type="stdio"))
    rows = {} if has_claudes_hooks(place) else hooks.flat(_EVENTS, place.hook_environment())
    return [
        JsonFile(servers / "mcp.json", {("servers", SERVER): entry}),
        JsonFile(own / "hooks" / f"{SERVER}.json", rows=rows),
        SkillFolder(own / "skills"),
    ]


def _user_folder() -> Path:
    return _MAC if sys.platform == "darwin" else _LINUX


def has_claudes_hooks(place: Place) -> bool:
    """Say whether VS Code finds our hooks in Claude Code's settings."""
    files = [folder / ".claude" / "settings.json" for folder in (place.folder, place.home)]
    return any(b"hooks/run.sh" in (read(file) or b"") for file in files)


def _remarks(place: Place) -> list[str]:
    read_already = "VS Code reads the hooks of Claude Code's settings: none were written beside."
    return [read_already] if has_claudes_hooks(place) else []


HOST = Host("vscode", "VS Code", _pieces, _remarks)

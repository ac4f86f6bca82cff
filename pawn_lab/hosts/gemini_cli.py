"""Gemini CLI: server and hooks in its settings, in milliseconds; skills beside them.

It strips its servers' environment of whatever is named like a secret and not asked for.
"""

from types import MappingProxyType

from pawn_lab.hosts import hooks
from pawn_lab.hosts.changes import Piece
from pawn_lab.hosts.hooks import Hook
from pawn_lab.hosts.host import SERVER, Host, Place, server_entry
from pawn_lab.hosts.json_file import JsonFile
from pawn_lab.hosts.skill_folder import SkillFolder

_EVENTS = MappingProxyType(
    {
        "SessionStart": Hook("session_start"),
        "PreCompress": Hook("post_compact"),
        "BeforeTool": Hook("pre_tool_use", "run_shell_command"),
        "AfterAgent": Hook("stop"),
    }
)
_CALL_MS = 3_600_000


def _pieces(place: Place) -> list[Piece]:
    own = place.base / ".gemini"
    entry = server_entry(place, "${}", timeout=_CALL_MS)
    rows = hooks.grouped(_EVENTS, place.hook_environment(), timeout=hooks.TIMEOUT_S * 1000)
    return [
        JsonFile(own / "settings.json", {("mcpServers", SERVER): entry}, rows),
        SkillFolder(own / "skills"),
    ]


def _remarks(_: Place) -> list[str]:
    return ["Beside this, do not install the repository as an extension: hooks would fire twice."]


HOST = Host("gemini-cli", "Gemini CLI", _pieces, _remarks)

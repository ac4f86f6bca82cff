"""Codex: the server in `config.toml`, hooks in `hooks.json`, skills in the folder of all agents.

Codex gives a server 10 s to start and a call 60 s, and runs no hook before a person has trusted it.
"""

import json
import re
from hashlib import sha256
from pathlib import Path
from typing import Any

from pawn_lab.hosts import hooks
from pawn_lab.hosts.changes import Piece
from pawn_lab.hosts.host import SERVER, Host, Place, server_command
from pawn_lab.hosts.json_file import JsonFile
from pawn_lab.hosts.skill_folder import SkillFolder
from pawn_lab.hosts.toml_file import TomlFile

FOLDER_VARIABLE = "CODEX_HOME"
_START_S = 60
_CALL_S = 3600
TRUST = "Codex skips hooks that nobody has trusted: start codex, type /hooks and trust the five."


def _pieces(place: Place) -> list[Piece]:
    own = place.configured(FOLDER_VARIABLE, ".codex")
    rows = hooks.grouped(hooks.CLAUDE_EVENTS, place.hook_environment())
    return [
        TomlFile(own / "config.toml", ("mcp_servers", SERVER), _server(place)),
        JsonFile(hooks_file(place), rows=rows),
        SkillFolder(place.base / ".agents" / "skills"),
    ]


def hooks_file(place: Place) -> Path:
    """Return the file of Codex's hooks."""
    return place.configured(FOLDER_VARIABLE, ".codex") / "hooks.json"


def trust_digests(file: Path) -> dict[str, str]:
    """Return what Codex has to hold of each hook of ours in a file for it to run, by its key.

    Of a file that cannot be read nothing. (codex-rs, `hooks/src/engine/discovery.rs`; checked with
    `hooks/list` of Codex 0.171)
    """
    try:
        events = json.loads(file.read_bytes())["hooks"]
        return {
            f"{file}:{_snake(event)}:{group}:{number}": _digest(event, row, handler)
            for event, rows in events.items()
            for group, row in enumerate(rows)
            for number, handler in enumerate(row["hooks"])
            if hooks.is_ours({"hooks": [handler]})
        }
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return {}


def _digest(event: str, row: dict[str, Any], handler: dict[str, Any]) -> str:
    matcher = {"matcher": row["matcher"]} if row.get("matcher") else {}
    known = {"event_name": _snake(event), "hooks": [handler | {"async": False}], **matcher}
    text = json.dumps(known, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return f"sha256:{sha256(text.encode()).hexdigest()}"


def _snake(event: str) -> str:
    return re.sub("(?<!^)(?=[A-Z])", "_", event).lower()


def _server(place: Place) -> dict[str, object]:
    program, *arguments = server_command()
    limits = {"startup_timeout_sec": _START_S, "tool_timeout_sec": _CALL_S}
    variables = {"env_vars": place.secrets(), "env": place.settings()}
    given = {name: value for name, value in variables.items() if value}
    return {"command": program, "args": arguments, **limits, **given}


def _remarks(place: Place) -> list[str]:
    project = "Codex reads a project's .codex folder once the project is trusted."
    return [TRUST, project] if place.scope == "project" else [TRUST]


HOST = Host("codex", "Codex", _pieces, _remarks)

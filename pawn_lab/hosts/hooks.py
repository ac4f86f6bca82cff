"""The lab's hooks as hosts are told of them: a shell command for each of their events."""

import shlex
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from pawn_lab.shipped import HOOKS

TIMEOUT_S = 30
_RUNNER = "hooks/run.sh"
NAMES = ("session_start", "post_compact", "stop", "pre_tool_use", "subagent_start")
"""The scripts, by their files' names."""


class Hook(NamedTuple):
    """A script of ours, and which tools of the host it is about."""

    script: str
    matcher: str | None = None


CLAUDE_EVENTS: Mapping[str, Hook] = MappingProxyType(
    {
        "SessionStart": Hook("session_start"),
        "PostCompact": Hook("post_compact"),
        "SubagentStart": Hook("subagent_start"),
        "PreToolUse": Hook("pre_tool_use", "Bash"),
        "Stop": Hook("stop"),
    }
)
"""What Claude Code calls them, and Codex after it."""


def command(script: str, environment: Mapping[str, str]) -> str:
    """Return the shell command of a hook; its host may hand on no environment of ours."""
    given = [f"{name}={shlex.quote(value)}" for name, value in environment.items()]
    return " ".join([*given, "sh", shlex.quote(str(HOOKS / "run.sh")), script])


def is_ours(row: Any) -> bool:
    """Say whether a row of a host's hooks runs a script of ours, of whichever installation."""
    return any(map(_runs_ours, _handlers(row)))


def without_ours(row: Any) -> Any:
    """Return what a row runs besides ours; None where that is nothing."""
    rest = [handler for handler in _handlers(row) if not _runs_ours(handler)]
    return row | {"hooks": rest} if rest else None


def _handlers(row: Any) -> list[Any]:
    if not isinstance(row, dict):
        return []
    handlers = row.get("hooks", [row])
    return handlers if isinstance(handlers, list) else []


def _runs_ours(handler: Any) -> bool:
    command = handler.get("command") if isinstance(handler, dict) else None
    return isinstance(command, str) and _RUNNER in command and _last_word(command) in NAMES


def _last_word(command: str) -> str:
    return command.rpartition(" ")[2]


def grouped(
    events: Mapping[str, Hook], environment: Mapping[str, str], timeout: int = TIMEOUT_S
) -> dict[tuple[str, ...], dict[str, Any]]:
    """Return the rows of hosts that group hooks by what they match."""
    return {
        ("hooks", event): ({"matcher": hook.matcher} if hook.matcher else {})
        | {"hooks": [_handler(hook, environment, timeout)]}
        for event, hook in events.items()
    }


def flat(
    events: Mapping[str, Hook], environment: Mapping[str, str]
) -> dict[tuple[str, ...], dict[str, Any]]:
    """Return the rows of hosts that list hooks plainly."""
    return {
        ("hooks", event): _handler(hook, environment, TIMEOUT_S) for event, hook in events.items()
    }


def _handler(hook: Hook, environment: Mapping[str, str], timeout: int) -> dict[str, Any]:
    line = command(hook.script, environment)
    return {"type": "command", "command": line, "timeout": timeout}

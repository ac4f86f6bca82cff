"""What hosts say to a hook, and the JSON that each of them understands.

Claude Code, Codex and VS Code name their events alike, Gemini CLI and Cursor in their own ways: the
name of the event tells which answer its host reads. Of the standard library only what starts fast:
quick hooks run at every command and every end of a turn.
"""

import json
import os
import sys

MOST_BYTES = 16 << 20
"""A summary is some kilobytes; more is no event."""


def read_event(text: str) -> dict:
    """Return the hook's event; empty when the text is not a JSON object."""
    try:
        event = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return event if isinstance(event, dict) else {}


def read_text() -> str:
    """Return what the host wrote to stdin."""
    return sys.stdin.buffer.read(MOST_BYTES).decode(errors="replace")


def name_of(event: dict) -> str:
    """Return the name of the event; VS Code spells the field in its own way."""
    name = event.get("hook_event_name") or event.get("hookEventName")
    return name if isinstance(name, str) else ""


def project_of(event: dict) -> str:
    """Return the folder that the agent works in, as the host's variable or the event says.

    Gemini CLI and Cursor set Claude Code's variable too.
    """
    roots = event.get("workspace_roots")  # Cursor's
    root = roots[0] if isinstance(roots, list) and roots else None
    chosen = (os.environ.get("CLAUDE_PROJECT_DIR"), event.get("cwd"), root)
    return next((path for path in chosen if isinstance(path, str) and path), ".")


def goes_on_already(event: dict) -> bool:
    """Say whether a hook has kept the agent from stopping already; a second time it never does."""
    return bool(event.get("stop_hook_active") or event.get("loop_count"))


def context(event: dict, text: str) -> None:
    """Put a text in front of the agent."""
    name = name_of(event)
    if name in ("sessionStart", "subagentStart"):  # Cursor
        _answer({"additional_context": text})
    else:
        name = name or "SessionStart"
        _answer({"hookSpecificOutput": {"hookEventName": name, "additionalContext": text}})


def refuse(event: dict, reason: str) -> None:
    """Refuse a command and say to the agent why."""
    name = name_of(event)
    if name == "BeforeTool":  # Gemini CLI
        _answer({"decision": "deny", "reason": reason})
    elif name == "beforeShellExecution":  # Cursor
        _answer({"permission": "deny", "agent_message": reason, "user_message": reason})
    else:
        decision = {"permissionDecision": "deny", "permissionDecisionReason": reason}
        _answer({"hookSpecificOutput": {"hookEventName": "PreToolUse", **decision}})


def go_on(event: dict, reason: str) -> None:
    """Keep the agent from stopping, and say to it why."""
    name, block = name_of(event), {"decision": "block", "reason": reason}
    if name == "AfterAgent":  # Gemini CLI
        _answer({"decision": "deny", "reason": reason})
    elif name == "stop":  # Cursor
        _answer({"followup_message": reason})
    elif "timestamp" in event:  # VS Code; Codex refuses a field that it does not know
        _answer(block | {"hookSpecificOutput": {"hookEventName": "Stop", **block}})
    else:
        _answer(block)


def tell(event: dict, text: str) -> None:
    """Show a text to the person; Cursor has no place for one."""
    if name_of(event) != "stop":
        _answer({"systemMessage": text})


def _answer(answer: dict) -> None:
    print(json.dumps(answer))

"""What the hooks share: the event on stdin, and the lab they serve. Any Python 3.11 will do."""

import json
import os
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pawn_lab.paths import WorkspacePaths, default_workspace


def read_event(text: str) -> dict[str, Any]:
    """Return the hook's event; empty when the text is not a JSON object."""
    try:
        event = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return event if isinstance(event, dict) else {}


def find_workspace(event: dict[str, Any]) -> WorkspacePaths | None:
    """Return the lab of the project that the agent works in, or None where there is none."""
    cwd = event.get("cwd")
    project = os.environ.get("CLAUDE_PROJECT_DIR") or (cwd if isinstance(cwd, str) else ".")
    workspace = Path(project) / default_workspace()
    return WorkspacePaths(workspace) if workspace.is_dir() else None


def digest(paths: WorkspacePaths) -> str:
    """Return the lab's state in a few lines; empty when there is none or it cannot be read."""
    if not paths.database.exists():
        return ""
    try:
        from pawn_lab.lab import Lab

        with Lab.open(paths.root) as lab:
            return lab.digest()
    except Exception as error:
        print(f"no digest of the lab: {error}", file=sys.stderr)
        return ""

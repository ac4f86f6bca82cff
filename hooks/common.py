"""What the hooks share: the event on stdin, and the lab they serve. Any Python 3.11 will do."""

import json
import os
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pawn_lab.lab import queries
from pawn_lab.paths import WorkspacePaths, default_workspace
from pawn_lab.text import mask_secrets


def read_event(text: str) -> dict[str, Any]:
    """Return the hook's event; empty when the text is not a JSON object."""
    try:
        event = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return event if isinstance(event, dict) else {}


def find_workspace(event: dict[str, Any]) -> WorkspacePaths | None:
    """Return the lab of the project that the agent works in, or None where there is none.

    A folder that is merely called `runs` is none: other tools use that name too.
    """
    cwd = event.get("cwd")
    project = os.environ.get("CLAUDE_PROJECT_DIR") or (cwd if isinstance(cwd, str) else ".")
    lab = WorkspacePaths(Path(project) / default_workspace(Path(project)))
    return lab if lab.is_lab() else None


def state(paths: WorkspacePaths) -> str:
    """Return what needs a decision, when to look again and the cursor, then the lab's digest.

    Empty where there is no lab or it cannot be read.
    """
    if not paths.database.exists():
        return ""
    try:
        return mask_secrets(_state(paths))
    except Exception as error:
        print(f"no digest of the lab: {error}", file=sys.stderr)
        return ""


def _state(paths: WorkspacePaths) -> str:
    from pawn_lab.lab import Lab
    from pawn_lab.tools.status import lab_status

    with Lab.look(paths.root) as lab, lab.one_pass():
        now = lab_status(lab, rows=0)
        check = f"check again in {now.next_check_s} s; " if now.next_check_s else ""
        lines = (
            now.headline,
            f"{check}events: lab_events(since={queries.latest_event(lab)})",
            queries.digest(lab),
        )
    return "\n".join(lines)

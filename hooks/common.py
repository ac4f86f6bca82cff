"""What the hooks share that read the whole lab: which lab it is, and its state."""

import sys
from pathlib import Path
from typing import Any

import wire

# Of a checkout; from a wheel the packages are where Python looks for them.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pawn_lab.lab import queries
from pawn_lab.paths import WorkspacePaths, default_workspace
from pawn_lab.text import mask_secrets


def find_workspace(event: dict[str, Any]) -> WorkspacePaths | None:
    """Return the lab of the project that the agent works in, or None where there is none.

    A folder that is merely called `runs` is none: other tools use that name too.
    """
    project = Path(wire.project_of(event))
    lab = WorkspacePaths(project / default_workspace(project))
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

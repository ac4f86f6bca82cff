"""PostCompact: keep the summary of a compaction, and the lab's state, in the lab notes.

Hosts without an event after it send the one before, which has no summary: then the state is kept.
The output of this hook reaches nobody; what it writes is all that it does. The summary goes first,
so that a lab which cannot be read costs only the state.
"""

import wire
from common import find_workspace, state

from pawn_lab.paths import WorkspacePaths
from pawn_lab.reporting import notes
from pawn_lab.text import mask_secrets


def main() -> None:
    """Persist what stdin holds; text that is no event is kept as it came."""
    text = wire.read_text()
    event = wire.read_event(text)
    paths = find_workspace(event)
    if paths is None:
        return
    summary = event.get("compact_summary") if event else text
    keep(paths, summary if isinstance(summary, str) else "")


def keep(paths: WorkspacePaths, summary: str) -> None:
    """Keep a summary in the place of the one before, then with the lab's state before it."""
    summary = mask_secrets(summary)
    if summary.strip():
        notes.keep_compaction(paths, summary)
    if now := state(paths):
        notes.keep_compaction(paths, f"{now}\n\n{summary}")


if __name__ == "__main__":
    main()

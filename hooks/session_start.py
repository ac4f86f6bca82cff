"""SessionStart: put the lab's state and what the agent wrote down in front of it."""

from itertools import accumulate

import wire
from common import find_workspace, state

from pawn_lab.paths import WorkspacePaths
from pawn_lab.reporting import notes
from pawn_lab.text import mask_secrets

NOTES_CHARACTERS = 8_000
LEAST_SUMMARY_CHARACTERS = 1_000
_CUT = "[older notes: lab_notes]\n\n"
_CUT_SUMMARY = f"[the whole: lab_notes(section='{notes.COMPACTION}')]\n\n"


def main() -> None:
    """Print the context as the hook's JSON; nothing where there is no lab or no memory of one."""
    event = wire.read_event(wire.read_text())
    paths = find_workspace(event)
    if paths and (context := memory(paths)):
        wire.context(event, context)


def memory(paths: WorkspacePaths) -> str:
    """Return what to do now, the notes written by hand, then the summary of a compaction."""
    written = notes.written(paths)
    by_hand = newest([part.text for part in written.sections])
    room = max(LEAST_SUMMARY_CHARACTERS, NOTES_CHARACTERS - len(by_hand))
    chapters = (
        ("PAWN lab now", state(paths)),
        ("Lab notes of earlier sessions", mask_secrets(by_hand)),
        ("The agent's memory at its latest compaction", summary(written.compaction, room)),
    )
    return "\n\n".join(f"# {title}\n{text.strip()}" for title, text in chapters if text.strip())


def newest(sections: list[str]) -> str:
    """Return the newest whole sections that fit, or the end of the last one where none does."""
    kept = 0
    for size in accumulate(map(len, reversed(sections))):
        kept += size <= NOTES_CHARACTERS
    if kept == len(sections):
        return "".join(sections)
    return _CUT + ("".join(sections[len(sections) - kept :]) or sections[-1][-NOTES_CHARACTERS:])


def summary(compaction: str, most: int) -> str:
    """Return the end of the latest compaction's summary, where its next steps are."""
    text = mask_secrets(compaction)
    return text if len(text) <= most else _CUT_SUMMARY + text[-most:]


if __name__ == "__main__":
    main()

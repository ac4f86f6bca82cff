"""SessionStart: put the lab's state and the newest lab notes in front of the agent."""

import json
import re
import sys

from common import digest, find_workspace, read_event

from pawn_lab.paths import WorkspacePaths
from pawn_lab.reporting import notes

NOTES_CHARACTERS = 8_000
_HEADING = re.compile(r"^(?=## )", re.MULTILINE)
_CUT = "[older notes: lab_notes]\n\n"


def main() -> None:
    """Print the context as the hook's JSON; nothing where there is no lab or no memory of one."""
    paths = find_workspace(read_event(sys.stdin.buffer.read().decode(errors="replace")))
    context = memory(paths) if paths else ""
    if context:
        output = {"hookEventName": "SessionStart", "additionalContext": context}
        print(json.dumps({"hookSpecificOutput": output}))


def memory(paths: WorkspacePaths) -> str:
    """Return the digest and the newest notes."""
    state, kept = digest(paths), newest(notes.read(paths))
    chapters = (("PAWN lab now", state), ("Lab notes of earlier sessions", kept))
    return "\n\n".join(f"# {title}\n{text}" for title, text in chapters if text.strip())


def newest(text: str, most: int = NOTES_CHARACTERS) -> str:
    """Return the last whole sections that fit, or the end of the last one where none does."""
    if len(text) <= most:
        return text
    kept = ""
    for section in reversed(_HEADING.split(text)):
        if len(kept) + len(section) > most:
            break
        kept = section + kept
    return _CUT + (kept or text[-most:])


if __name__ == "__main__":
    main()

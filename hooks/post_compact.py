"""PostCompact: keep the summary of a compaction, and the lab's state, in the lab notes.

The output of this hook reaches nobody; what it writes is all that it does. The summary goes first,
so that a lab which cannot be read costs only the digest.
"""

import sys
from collections.abc import Iterator

from common import digest, find_workspace, read_event

from pawn_lab.paths import WorkspacePaths
from pawn_lab.reporting import notes

# A note may have 8,000 bytes, and grows by up to 5/3 when its headings are set down a level.
PART_BYTES = 4_500
_PIECE_CHARACTERS = 1_000


def main() -> None:
    """Persist what stdin holds; text that is no event is kept as it came."""
    text = sys.stdin.buffer.read().decode(errors="replace")
    event = read_event(text)
    paths = find_workspace(event)
    if paths is None:
        return
    summary = event.get("compact_summary") if event else text
    keep(paths, "Compaction summary", summary if isinstance(summary, str) else "")
    keep(paths, "Lab at compaction", digest(paths))


def keep(paths: WorkspacePaths, title: str, text: str) -> None:
    """Append a text to the notes, in as many sections as it needs."""
    pieces = list(parts(text))
    for number, part in enumerate(pieces, 1):
        suffix = f" ({number} of {len(pieces)})" if len(pieces) > 1 else ""
        notes.append(paths, part, section=title + suffix)


def parts(text: str) -> Iterator[str]:
    """Split a text at line ends into parts of at most `PART_BYTES`; blank parts are left out."""
    part = ""
    for piece in [*_pieces(text), ""]:
        if not piece or len((part + piece).encode()) > PART_BYTES:
            if part.strip():
                yield part
            part = ""
        part += piece


def _pieces(text: str) -> Iterator[str]:
    for line in text.splitlines(keepends=True):
        for start in range(0, len(line), _PIECE_CHARACTERS):
            yield line[start : start + _PIECE_CHARACTERS]


if __name__ == "__main__":
    main()

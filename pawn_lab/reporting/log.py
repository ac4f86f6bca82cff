"""The end of a trial's log, read from the end: a huge log costs no more than a small one."""

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from io import FileIO
from itertools import islice
from pathlib import Path

from pawn_core.untrusted import open_file
from pawn_lab.errors import InvalidRequestError
from pawn_lab.records import LogExcerpt
from pawn_lab.text import clean_line, shorten

MOST_LINES = 1000
MOST_AROUND = 50
MOST_LINE_CHARACTERS = 2000
TAIL_BYTES = 1 << 20
GREP_BYTES = 32 << 20
GAP = "--"
"""Stands between matches whose surroundings do not touch."""

_BLOCK = 1 << 16
_COLOUR = re.compile(rb"\x1b\[[0-9;]*[A-Za-z]")
_ESCAPE = re.compile(rb"\x1b(?!\[[0-9;]*[A-Za-z])")
_LEADS = {0xC2, 0xD8, 0xDC, 0xE1, 0xE2, 0xEF, 0xF3}
_RARE = bytes({*range(32), *range(127, 160), *_LEADS} - set(b"\t\n\r\x1b"))
"""Bytes that are removed from a line and may stand inside a word, or begin what is."""


@dataclass(frozen=True)
class Wanted:
    """Which lines: the last, or the last that contain `grep` with so many `around` each.

    `since` leaves out the lines that ended within so many bytes.

    Raises:
        InvalidRequestError: `lines` is not 1 to `MOST_LINES`, or `around` not 0 to `MOST_AROUND`.
    """

    lines: int
    grep: str = ""
    around: int = 0
    since: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.lines <= MOST_LINES:
            raise InvalidRequestError(f"lines {self.lines} is not allowed: 1 to {MOST_LINES}")
        if not 0 <= self.around <= MOST_AROUND:
            raise InvalidRequestError(f"around {self.around} is not allowed: 0 to {MOST_AROUND}")


def excerpt(trial_id: int, path: Path, wanted: Wanted) -> LogExcerpt:
    """Return lines from the end of a log, oldest first.

    `grep` is plain text in any letter case; blank lines are left out. `truncated` says that
    older lines exist: only the last `TAIL_BYTES` are looked at, with `grep` `GREP_BYTES`.
    """
    try:
        file = FileIO(open_file(path))
    except FileNotFoundError:
        return LogExcerpt(trial_id=trial_id, lines=[], size_bytes=0, truncated=False)
    except OSError as error:
        said = [f"[no log can be shown: {error}]"]
        return LogExcerpt(trial_id=trial_id, lines=said, size_bytes=0, truncated=False)
    with file:
        size = file.seek(0, 2)
        start = _line_start(file, wanted.since) if wanted.since <= size else 0
        first = max(start, size - (GREP_BYTES if wanted.grep else TAIL_BYTES))
        matches = _found(_chunks_backwards(file, size, first), wanted)
        lines = [shorten(line, MOST_LINE_CHARACTERS) for line in islice(matches, wanted.lines)]
        more = first > start or next(matches, None) is not None
    return LogExcerpt(trial_id=trial_id, lines=lines[::-1], size_bytes=size, truncated=more)


def _found(chunks: Iterator[bytes], wanted: Wanted) -> Iterator[str]:
    """Yield the lines that are wanted, newest first."""
    if not wanted.grep:
        return (line for chunk in chunks for line in _shown(chunk.split(b"\n")))
    return _around(_searched(chunks, wanted), wanted)


def _searched(chunks: Iterator[bytes], wanted: Wanted) -> Iterator[str | None]:
    """Yield lines newest first; of a chunk without a match only its ends, None in between."""
    for chunk in chunks:
        lines = chunk.split(b"\n")
        if _may_contain(chunk, wanted.grep) or len(lines) <= 4 * wanted.around:
            yield from _shown(lines)
        else:
            yield from _shown(lines[len(lines) - 2 * wanted.around :])
            yield None
            yield from _shown(lines[: 2 * wanted.around])


def _around(lines: Iterator[str | None], wanted: Wanted) -> Iterator[str]:
    """Yield each match with the lines around it, all newest first, and gaps between them."""
    sought = wanted.grep.casefold()
    after: deque[str] = deque(maxlen=wanted.around)
    owed, gap, started = 0, False, False
    for line in lines:
        if line is None:
            after.clear()
            owed, gap = 0, True
        elif sought in line.casefold():
            if wanted.around and gap and started:
                yield GAP
            yield from after
            yield line
            after.clear()
            owed, gap, started = wanted.around, False, True
        elif owed:
            yield line
            owed -= 1
        else:
            gap = gap or len(after) == wanted.around
            after.append(line)


def _shown(lines: list[bytes]) -> Iterator[str]:
    """Yield lines from the last to the first, cleaned; blank ones are left out."""
    for line in reversed(lines):
        shown = clean_line(line.decode(errors="replace"))
        if shown.strip():
            yield shown


def _may_contain(chunk: bytes, grep: str) -> bool:
    """Rule out a chunk without taking it apart; escape sequences may split a word in two."""
    if not grep.isascii() or len(chunk.translate(None, _RARE)) < len(chunk):
        return True
    if b"\x1b" in chunk:
        if _ESCAPE.search(chunk):
            return True
        chunk = _COLOUR.sub(b"", chunk)
    return grep.lower().encode() in chunk.lower()


def _line_start(file: FileIO, position: int) -> int:
    """Return where the line begins that a position is in; lines over a block are cut there."""
    start = max(0, position - _BLOCK)
    file.seek(start)
    return start + file.read(position - start).rfind(b"\n") + 1


def _chunks_backwards(file: FileIO, size: int, first: int) -> Iterator[bytes]:
    """Yield runs of whole lines from the end of a file; of a line over two blocks only its end."""
    rest, position = b"", size
    while position > first:
        start = max(first, position - _BLOCK)
        file.seek(start)
        rest, newline, whole = (file.read(position - start) + rest[-_BLOCK:]).partition(b"\n")
        position = start
        if newline:
            yield whole
    yield rest

"""The end of a trial's log, read from the end: a huge log costs no more than a small one."""

import itertools
from collections.abc import Iterator
from pathlib import Path

from pawn_lab.errors import InvalidRequestError
from pawn_lab.records import LogExcerpt
from pawn_lab.text import clean_line, shorten

MOST_LINES = 1000
MOST_LINE_CHARACTERS = 2000
TAIL_BYTES = 1 << 20
GREP_BYTES = 64 << 20
_BLOCK = 1 << 16


def excerpt(trial_id: int, path: Path, lines: int, grep: str | None) -> LogExcerpt:
    """Return the last lines of a log, or the last of those that contain `grep`.

    `grep` is plain text in any letter case; blank lines are left out. `truncated` says that
    older lines exist: only the last `TAIL_BYTES` are looked at, with `grep` `GREP_BYTES`.

    Raises:
        InvalidRequestError: `lines` is not 1 to `MOST_LINES`.
    """
    if not 1 <= lines <= MOST_LINES:
        raise InvalidRequestError(f"lines {lines} is not allowed: 1 to {MOST_LINES}")
    if not path.exists():
        return LogExcerpt(trial_id=trial_id, lines=[], size_bytes=0, truncated=False)
    size = path.stat().st_size
    looked_at = min(size, GREP_BYTES if grep else TAIL_BYTES)
    matching = _matching(_chunks_backwards(path, size, looked_at), grep or "")
    found = list(itertools.islice(matching, lines))
    more = looked_at < size or next(matching, None) is not None
    return LogExcerpt(trial_id=trial_id, lines=found[::-1], size_bytes=size, truncated=more)


def _matching(chunks: Iterator[bytes], grep: str) -> Iterator[str]:
    for chunk in chunks:
        if _may_contain(chunk, grep):
            for line in reversed(chunk.split(b"\n")):
                shown = clean_line(line.decode(errors="replace"))
                if shown.strip() and grep.casefold() in shown.casefold():
                    yield shorten(shown, MOST_LINE_CHARACTERS)


def _may_contain(chunk: bytes, grep: str) -> bool:
    """Rule out a chunk without taking it apart; escape sequences may split a word in two."""
    return not grep.isascii() or b"\x1b" in chunk or grep.lower().encode() in chunk.lower()


def _chunks_backwards(path: Path, size: int, looked_at: int) -> Iterator[bytes]:
    """Yield runs of whole lines from the end of a file; of a line over two blocks only its end."""
    with path.open("rb", buffering=0) as file:
        rest, position, first = b"", size, size - looked_at
        while position > first:
            start = max(first, position - _BLOCK)
            file.seek(start)
            rest, newline, whole = (file.read(position - start) + rest[-_BLOCK:]).partition(b"\n")
            position = start
            if newline:
                yield whole
        yield rest

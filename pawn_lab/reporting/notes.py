"""Lab notes: a Markdown file of sections that are only ever appended, within a size budget.

Any number of processes may append at once. When the file outgrows its budget its oldest
sections move to the archive beside it; nothing is thrown away.
"""

import re
import time
from pathlib import Path
from typing import NamedTuple

from pawn_core.durable import replace_file
from pawn_lab.errors import InvalidRequestError, NotesTooLongError, StateBusyError
from pawn_lab.paths import WorkspacePaths
from pawn_lab.processes.locks import locked
from pawn_lab.text import clean

BUDGET_BYTES = 32_000
MOST_SECTION_BYTES = 8_000
MOST_TITLE_CHARACTERS = 100
_TITLE = "# Lab notes\n"
_HEADING = re.compile(r"^(?=## )", re.MULTILINE)


class Section(NamedTuple):
    """A part of the notes; they are counted from 1, those of the archive among them."""

    number: int
    title: str
    text: str


def read(paths: WorkspacePaths, section: str | None = None) -> str:
    """Return the notes, or only the sections of one title; at most the newest of the budget."""
    text = clean(_text(paths.notes))  # a person may have written it
    if section is not None:
        text = "".join(part for part in _sections(text) if _title_of(part) == section)
    return text if len(text) <= BUDGET_BYTES else f"[older notes left out]\n{text[-BUDGET_BYTES:]}"


def sections(paths: WorkspacePaths) -> list[Section]:
    """Return the sections of the notes, oldest first; the archive's are counted, not returned."""
    archived = len(_sections(_text(paths.notes_archive)))
    parts = _sections(clean(_text(paths.notes)))
    return [Section(n, _title_of(part), part) for n, part in enumerate(parts, archived + 1)]


def append(paths: WorkspacePaths, text: str, section: str | None = None) -> None:
    """Append a section, dated, under a title.

    Raises:
        NotesTooLongError: the text is over `MOST_SECTION_BYTES`.
        InvalidRequestError: the title is more than one short line, or the text is empty.
        StateBusyError: another process kept the notes locked.
    """
    entry = _entry(_checked_text(text), _checked_title(section or "Note"))
    try:
        with locked(paths.notes_lock):
            _append_locked(paths, entry)
    except TimeoutError as error:
        raise StateBusyError(str(error)) from error


def _append_locked(paths: WorkspacePaths, entry: str) -> None:
    old, kept = _within_budget([*_sections(_text(paths.notes)), entry])
    if old:
        archive = _text(paths.notes_archive) + "".join(old)
        replace_file(paths.notes_archive, archive.encode())
    replace_file(paths.notes, (_TITLE + "\n" + "".join(kept)).encode())


def _within_budget(sections: list[str]) -> tuple[list[str], list[str]]:
    """Split sections into the oldest, which no longer fit, and the rest."""
    size, first = 0, len(sections)
    while first and size + len(sections[first - 1].encode()) <= BUDGET_BYTES:
        first -= 1
        size += len(sections[first].encode())
    return sections[:first], sections[first:]


def _entry(text: str, title: str) -> str:
    when = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
    return f"## {title}\n_{when}_\n\n{text.strip()}\n\n"


def _checked_text(text: str) -> str:
    cleaned = clean(text)
    # A heading inside the text would start a section of its own.
    cleaned = re.sub(r"^(#{1,2}) ", r"### ", cleaned, flags=re.MULTILINE)
    size = len(cleaned.encode())
    if not cleaned.strip():
        raise InvalidRequestError("append is empty; give the text of the note")
    if size > MOST_SECTION_BYTES:
        raise NotesTooLongError(
            f"the note has {size} bytes; at most {MOST_SECTION_BYTES} fit a section: shorten it "
            "or append it in parts"
        )
    return cleaned


def _checked_title(section: str) -> str:
    title = clean(section).strip()
    if not title or "\n" in title or len(title) > MOST_TITLE_CHARACTERS:
        raise InvalidRequestError(
            f"section {section[:MOST_TITLE_CHARACTERS]!r} is not allowed: one line of 1 to "
            f"{MOST_TITLE_CHARACTERS} characters"
        )
    return title


def _sections(text: str) -> list[str]:
    """Split notes at their headings; text that someone put before the first one is a section."""
    parts = _HEADING.split(text)
    head = parts[0].removeprefix(_TITLE).strip()
    return ([f"{head}\n\n"] if head else []) + [part.rstrip() + "\n\n" for part in parts[1:]]


def _title_of(section: str) -> str:
    return section.partition("\n")[0].removeprefix("## ").strip()


def _text(path: Path) -> str:
    return path.read_text(errors="replace") if path.exists() else ""

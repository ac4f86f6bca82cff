"""Lab notes: a Markdown file of sections that are only ever appended, within a size budget.

Any number of processes may append at once. When the file outgrows its budget its oldest sections
move to the archive beside it; nothing that was written by hand is thrown away. The summary of an
agent's latest compaction is one bounded section apart, at the end, which the next one replaces.
"""

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from pawn_core.durable import replace_file
from pawn_core.untrusted import UntrustedFileError, read_file
from pawn_lab.errors import InvalidRequestError, NotesTooLongError, StateBusyError, WorkspaceError
from pawn_lab.locks import locked
from pawn_lab.paths import WorkspacePaths
from pawn_lab.text import clean

BUDGET_BYTES = 32_000
MOST_SECTION_BYTES = 8_000
MOST_TITLE_CHARACTERS = 100
COMPACTION = "Compaction summary"
_TITLE = "# Lab notes\n"
_HEADING = re.compile(r"^(?=## )", re.MULTILINE)
_DATE = re.compile(r"\s*_(\d{4}-\d\d-\d\d \d\d:\d\d UTC)_\s*")
_OF_COMPACTION = re.compile(rf"(?:{COMPACTION}|Lab at compaction)(?: \(\d+ of \d+\))?")
_LEFT_OUT = "\n\n[the middle is left out]\n\n"


class Section(NamedTuple):
    """A part of the notes; they are counted from 1, those of the archive among them."""

    number: int
    title: str
    text: str

    @property
    def written(self) -> str | None:
        """When it was appended, as `2026-11-28 09:30 UTC`; None where a person wrote it."""
        dated = _DATE.match(self._below_title)
        return dated[1] if dated else None

    @property
    def body(self) -> str:
        """The text without its title and its date."""
        return _DATE.sub("", self._below_title, count=1).strip()

    @property
    def _below_title(self) -> str:
        title, _, rest = self.text.partition("\n")
        return rest if title.startswith("## ") else self.text


class Written(NamedTuple):
    """What the archive and the notes hold, as it stood at one moment."""

    sections: list[Section]
    """What was written by hand, oldest first: the archive, then the notes."""
    archived: int
    """How many of the sections are in the archive."""
    compaction: str
    """The section of the latest compaction; empty where there was none."""


def written(paths: WorkspacePaths) -> Written:
    """Read and split the archive and the notes."""
    older, newer = _parts(paths.notes_archive), _parts(paths.notes)
    old, by_hand = _by_hand(older), _by_hand([*older, *newer])
    sections = [Section(number, _title_of(part), part) for number, part in enumerate(by_hand, 1)]
    compaction = next((part for part in reversed(newer) if _is_of_compaction(part)), "")
    return Written(sections, len(old), compaction)


def read(paths: WorkspacePaths, section: str | None = None) -> str:
    """Return the notes as they stand, or every section of one title, those of the archive too.

    Of more than the budget only the end.
    """
    if section is None:
        text = clean(_text(paths.notes))  # a person may have written it
    else:
        notes = written(paths)
        parts = [*(part.text for part in notes.sections), notes.compaction]
        text = "".join(part for part in parts if _title_of(part) == section)
    return text if len(text) <= BUDGET_BYTES else f"[older notes left out]\n{text[-BUDGET_BYTES:]}"


def append(paths: WorkspacePaths, text: str, section: str | None = None) -> None:
    """Append a section, dated, under a title.

    Raises:
        NotesTooLongError: the text is over `MOST_SECTION_BYTES`.
        InvalidRequestError: the title is more than one short line, or the text is empty.
        StateBusyError: another process kept the notes locked.
    """
    entry = _entry(_checked_text(text), _checked_title(section or "Note"))
    _write(paths, lambda by_hand, summary: ([*by_hand, entry], summary))


def keep_compaction(paths: WorkspacePaths, text: str) -> None:
    """Put the summary of a compaction in the place of the one before; its middle may be left out.

    Raises:
        StateBusyError: another process kept the notes locked.
    """
    entry = _entry(_without_middle(_as_section(text)), COMPACTION)
    _write(paths, lambda by_hand, _: (by_hand, entry))


_Change = Callable[[list[str], str], tuple[list[str], str]]


def _write(paths: WorkspacePaths, change: _Change) -> None:
    """Change the sections written by hand and the summary of the latest compaction."""
    try:
        with locked(paths.notes_lock):
            _write_locked(paths, change)
    except TimeoutError as error:
        raise StateBusyError(str(error)) from error


def _write_locked(paths: WorkspacePaths, change: _Change) -> None:
    parts = _sections(_text(paths.notes))
    summaries = [part for part in parts if _is_of_compaction(part)]
    by_hand, summary = change(_by_hand(parts), "".join(summaries[-1:]))
    old, kept = _within_budget(by_hand)
    if old := [*summaries[:-1], *old]:
        replace_file(paths.notes_archive, _bytes(_text(paths.notes_archive) + "".join(old)))
    replace_file(paths.notes, _bytes(_TITLE + "\n" + "".join([*kept, summary])))


def _within_budget(sections: list[str]) -> tuple[list[str], list[str]]:
    """Split sections into the oldest, which no longer fit, and the rest."""
    size, first = 0, len(sections)
    while first and size + len(_bytes(sections[first - 1])) <= BUDGET_BYTES:
        first -= 1
        size += len(_bytes(sections[first]))
    return sections[:first], sections[first:]


def _entry(text: str, title: str) -> str:
    when = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
    return f"## {title}\n_{when}_\n\n{text.strip()}\n\n"


def _as_section(text: str) -> str:
    """Clean a text; a heading inside it would start a section of its own."""
    return re.sub(r"^(#{1,2}) ", r"### ", clean(text), flags=re.MULTILINE)


def _checked_text(text: str) -> str:
    cleaned = _as_section(text)
    size = len(_bytes(cleaned))
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
    if _OF_COMPACTION.fullmatch(title):
        raise InvalidRequestError(
            f"section {title!r} is not allowed: the next compaction would replace it"
        )
    return title


def _without_middle(text: str) -> str:
    """Return a text within a section's bounds: its start has the task, its end the next step."""
    content = _bytes(text)
    if len(content) <= MOST_SECTION_BYTES:
        return text
    half = (MOST_SECTION_BYTES - len(_LEFT_OUT)) // 2
    start, end = (part.decode(errors="ignore") for part in (content[:half], content[-half:]))
    return start + _LEFT_OUT + end


def _parts(path: Path) -> list[str]:
    return _sections(clean(_text(path)))


def _sections(text: str) -> list[str]:
    """Split notes at their headings; text that someone put before the first one is a section."""
    parts = _HEADING.split(text)
    head = parts[0].removeprefix(_TITLE).strip()
    return ([f"{head}\n\n"] if head else []) + [part.rstrip() + "\n\n" for part in parts[1:]]


def _title_of(section: str) -> str:
    return section.partition("\n")[0].removeprefix("## ").strip()


def _by_hand(parts: list[str]) -> list[str]:
    return [part for part in parts if not _is_of_compaction(part)]


def _is_of_compaction(section: str) -> bool:
    return _OF_COMPACTION.fullmatch(_title_of(section)) is not None


def _text(path: Path) -> str:
    """Return what a file of notes holds, whatever the locale; damaged bytes are kept."""
    try:
        return read_file(path).decode(errors="surrogateescape")
    except FileNotFoundError:
        return ""
    except UntrustedFileError as error:
        raise WorkspaceError(f"{error}; move it away") from error


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogateescape")


_NUMBER = r"\d{1,9}\b(?!\.\d)"
_BETWEEN = r"(?:[-\u2013]|\s*[,;&/]\s*(?:(?:and|or)\s+)?|\s+(?:and|or)\s+)#?"
_ONE = re.compile(
    rf"(?:\btrial(?:[\s_]?(?:id|number|no\.?))?[\s:=#]*|(?<!\w)#)({_NUMBER})", re.IGNORECASE
)
_SEVERAL = re.compile(
    rf"\btrial(?:s|[\s_]ids)\b[\s:=#(\[]*({_NUMBER}(?:{_BETWEEN}{_NUMBER})*)", re.IGNORECASE
)
_SPAN = re.compile(r"(\d+)(?:[-\u2013](\d+))?")
_LONGEST_SPAN = 1000


def trials_named(text: str) -> set[int]:
    """Return the numbers in `trial 3`, `trials 3, 5 and 7-9`, `trial_ids=[3, 5]`, `#3`."""
    one = {int(number) for number in _ONE.findall(text)}
    return one | {number for listed in _SEVERAL.findall(text) for number in _numbers(listed)}


def _numbers(listed: str) -> Iterator[int]:
    for first, last in _SPAN.findall(listed):
        yield int(first)
        if last and int(last) - int(first) <= _LONGEST_SPAN:
            yield from range(int(first), int(last) + 1)

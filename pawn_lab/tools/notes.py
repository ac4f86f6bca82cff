"""lab_notes: the lab's memory across sessions."""

from collections.abc import Iterator
from itertools import accumulate
from typing import Annotated

from pydantic import Field

from pawn_core.config.errors import did_you_mean
from pawn_lab.errors import InvalidRequestError
from pawn_lab.lab import Lab, notebook
from pawn_lab.reporting import notes
from pawn_lab.reporting.notes import Section, Written
from pawn_lab.text import shorten
from pawn_lab.tools import tokens
from pawn_lab.tools.questions import MaxTokens, Reading, Since, position
from pawn_lab.tools.registry import LabTool
from pawn_lab.trials.requests import check_reached

MOST_TITLES = 20


class NotesAnswer(Reading):
    """The notes, oldest section first; left out after an append, whose text you know.

    The cursor counts sections.
    """

    characters: int
    notes: str | None = None


def lab_notes(
    lab: Lab,
    append: Annotated[str | None, Field(description="Markdown to add.")] = None,
    section: Annotated[str | None, Field(description="To add under, or read.")] = None,
    since: Since = None,
    max_tokens: MaxTokens = 10_000,
) -> NotesAnswer:
    """Read or append the lab notes, which survive compaction, restarts and you.

    First in a session; after each phase append results, choices, why, the cursor.

    Up to 8,000 bytes a note. Notes are only ever appended; what no longer fits their file is in
    an archive, which is read too. With `since` only the sections that were added after the last
    answer.
    """
    start, written = position(since), notes.written(lab.paths)
    check_reached(start, _cursor(written), "section")
    if append is not None:
        notebook.append(lab, append, section)
        characters = len(notebook.read(lab, section))
        cursor = _cursor(notes.written(lab.paths))
        return NotesAnswer(characters=characters, cursor=cursor).with_check_in(lab)
    parts = [part for part in _asked_for(written, section, start) if part.number > start]
    kept = newest(parts, max_tokens)
    text = "".join(part.text for part in kept)
    older = [*_older(parts[: len(parts) - len(kept)], written.archived)]
    if section is None and since is None and written.compaction:
        older.append(f"the latest compaction; section='{notes.COMPACTION}'")
    answer = NotesAnswer(
        characters=len(text),
        notes=text,
        cursor=_cursor(written),
        left_out="; ".join(older) or None,
        unchanged=True if since is not None and not parts else None,
    )
    return answer.with_check_in(lab)


def _asked_for(written: Written, section: str | None, start: int) -> list[Section]:
    """Return the sections of a title, all where none is named; refuse one that no section has."""
    if section is None:
        return written.sections
    if section == notes.COMPACTION:
        return [Section(start + 1, section, written.compaction)]
    titles = list(dict.fromkeys(part.title for part in reversed(written.sections)))
    if section not in titles:
        listed = ", ".join(repr(shorten(title, 100)) for title in titles[:MOST_TITLES])
        raise InvalidRequestError(
            f"the notes have no section {section[:100]!r}{did_you_mean(section[:100], titles)}; "
            f"newest first: {listed or 'none yet'}"
        )
    return [part for part in written.sections if part.title == section]


def newest(sections: list[Section], max_tokens: int) -> list[Section]:
    """Return the newest sections that a budget holds, the newest of all in part at least."""
    sums = accumulate(tokens.count_text(part.text) for part in reversed(sections))
    kept = sum(spent <= max_tokens for spent in sums)
    if sections and not kept:
        return [sections[-1]._replace(text=shorten(sections[-1].text, 2 * max_tokens))]
    return sections[len(sections) - kept :]


def _cursor(written: Written) -> int:
    return len(written.sections)


def _older(older: list[Section], archived: int) -> Iterator[str]:
    """Name the sections that a budget had no room for, the newest of them first to be asked for."""
    if not older:
        return
    archived = min(len(older), archived)
    place = f" ({archived} in the archive)" if archived else ""
    titles = dict.fromkeys(repr(shorten(part.title, 100)) for part in older[-MOST_TITLES:])
    yield f"{len(older)} older sections{place}; section=: {', '.join(titles)}"


TOOL = LabTool(lab_notes, title="Lab notes", creates=True)

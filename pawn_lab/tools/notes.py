"""lab_notes: the lab's memory across sessions."""

from collections.abc import Iterator
from itertools import accumulate
from typing import Annotated

from pydantic import Field

from pawn_core.config.errors import did_you_mean
from pawn_lab.errors import InvalidRequestError
from pawn_lab.lab import Lab, notebook
from pawn_lab.reporting import notes
from pawn_lab.reporting.notes import Section
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
    append: Annotated[str | None, Field(description="Markdown to add; none: only read.")] = None,
    section: Annotated[str | None, Field(description="Heading to add under, or to read.")] = None,
    since: Since = None,
    max_tokens: MaxTokens = 10_000,
) -> NotesAnswer:
    """Read or append the lab notes, which survive compaction, restarts and you.

    First in a session; after each phase append results, choices, why, the cursor.

    Up to 8,000 bytes a note. Notes are only ever appended; what no longer fits their file is in
    an archive, which is read too. With `since` only the sections that were added after the last
    answer.
    """
    start, cursor = position(since), _cursor(lab)
    check_reached(start, cursor, "section")
    if append is not None:
        notebook.append(lab, append, section)
        characters = len(notebook.read(lab, section))
        return NotesAnswer(characters=characters, cursor=_cursor(lab)).with_check_in(lab)
    written = notes.sections(lab.paths)
    if section == notes.COMPACTION:
        written = [Section(start + 1, section, notes.compaction(lab.paths))]
    elif section is not None:
        _check_title(section, written)
    parts = [part for part in written if part.number > start and section in (None, part.title)]
    kept = newest(parts, max_tokens)
    text = "".join(part.text for part in kept)
    older = [*_older(lab, parts[: len(parts) - len(kept)]), *_summary(lab, section, since)]
    answer = NotesAnswer(
        characters=len(text),
        notes=text,
        cursor=cursor,
        left_out="; ".join(older) or None,
        unchanged=True if since is not None and not parts else None,
    )
    return answer.with_check_in(lab)


def _check_title(section: str, written: list[Section]) -> None:
    """Refuse a title that no section has."""
    titles = list(dict.fromkeys(part.title for part in reversed(written)))
    if section not in titles:
        listed = ", ".join(repr(shorten(title, 100)) for title in titles[:MOST_TITLES])
        raise InvalidRequestError(
            f"the notes have no section {section[:100]!r}{did_you_mean(section[:100], titles)}; "
            f"newest first: {listed or 'none yet'}"
        )


def newest(sections: list[Section], max_tokens: int) -> list[Section]:
    """Return the newest sections that a budget holds, the newest of all in part at least."""
    sums = accumulate(tokens.count_text(part.text) for part in reversed(sections))
    kept = sum(spent <= max_tokens for spent in sums)
    if sections and not kept:
        return [sections[-1]._replace(text=shorten(sections[-1].text, 2 * max_tokens))]
    return sections[len(sections) - kept :]


def _cursor(lab: Lab) -> int:
    return max((part.number for part in notes.sections(lab.paths)), default=0)


def _older(lab: Lab, older: list[Section]) -> Iterator[str]:
    """Name the sections that a budget had no room for, the newest of them first to be asked for."""
    if not older:
        return
    archived = min(len(older), notes.archived(lab.paths))
    place = f" ({archived} in the archive)" if archived else ""
    titles = dict.fromkeys(repr(shorten(part.title, 100)) for part in older[-MOST_TITLES:])
    yield f"{len(older)} older sections{place}; section=: {', '.join(titles)}"


def _summary(lab: Lab, section: str | None, since: int | str | None) -> Iterator[str]:
    """Say that there is a summary of a compaction, to whoever reads all notes."""
    if section is None and since is None and notes.compaction(lab.paths):
        yield f"the latest compaction; section='{notes.COMPACTION}'"


TOOL = LabTool(lab_notes, title="Lab notes", creates=True)

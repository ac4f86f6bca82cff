"""lab_notes: the lab's memory across sessions."""

from itertools import accumulate
from typing import Annotated

from pydantic import Field

from pawn_lab.lab import Lab
from pawn_lab.reporting import notes
from pawn_lab.reporting.notes import Section
from pawn_lab.text import shorten
from pawn_lab.tools import tokens
from pawn_lab.tools.check_in import next_check
from pawn_lab.tools.reading import MaxTokens, Reading, Since, position
from pawn_lab.tools.registry import LabTool

MOST_TITLES = 20


class NotesAnswer(Reading):
    """The notes, oldest section first; left out after an append, whose text you know.

    The cursor counts sections.
    """

    characters: int
    notes: str | None = None


def lab_notes(
    lab: Lab,
    append: Annotated[
        str | None, Field(description="Markdown to add, up to 8,000 bytes; none: only read.")
    ] = None,
    section: Annotated[
        str | None, Field(description="Heading to add under, or to read alone.")
    ] = None,
    since: Since = None,
    max_tokens: MaxTokens = 10_000,
) -> NotesAnswer:
    """Read or append the lab notes, which survive compaction, restarts and you.

    Read them first in a new session. Append after each phase: tables of results, which setting was
    chosen and why, the events cursor, anomalies, what comes next. Notes are only ever appended.
    With `since` only the sections that were added after the last answer.
    """
    start = position(since)
    if append is not None:
        characters = len(lab.notes(append=append, section=section))
        return NotesAnswer(characters=characters, cursor=_cursor(lab), next_check_s=next_check(lab))
    written = notes.sections(lab.paths)
    wanted = [part for part in written if part.number > start and section in (None, part.title)]
    kept = newest(wanted, max_tokens)
    text = "".join(part.text for part in kept)
    return NotesAnswer(
        characters=len(text),
        notes=text,
        cursor=_cursor(lab),
        left_out=_left_out(wanted[: len(wanted) - len(kept)]),
        next_check_s=next_check(lab),
        unchanged=True if since is not None and not wanted else None,
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


def _left_out(older: list[Section]) -> str | None:
    titles = dict.fromkeys(repr(shorten(part.title, 100)) for part in older[-MOST_TITLES:])
    return f"{len(older)} older sections; section=: {', '.join(titles)}" if older else None


TOOL = LabTool(lab_notes, title="Lab notes")

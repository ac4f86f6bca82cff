"""What the page of lab notes shows: their sections, the newest first, a page at a time."""

from typing import Annotated, Any

from pydantic import Field

from pawn_lab.lab import Lab
from pawn_lab.reporting import notes as stored
from pawn_lab.reporting.notes import Section, trials_named
from pawn_lab.views.view import View

Json = dict[str, Any]


def notes(
    lab: Lab,
    q: Annotated[str | None, Field(max_length=200)] = None,
    most: Annotated[int, Field(ge=1, le=1000)] = 30,
) -> Json:
    """Show the newest sections that hold all words of `q`, at `most` so many of the `found`.

    trials: those that a section names.
    """
    written = stored.written(lab.paths)
    found = [section for section in written.sections if _holds(section, q or "")]
    shown = [_section(section, written.archived) for section in reversed(found[-most:])]
    return {
        "sections": shown,
        "found": len(found),
        "count": len(written.sections),
        "compaction": written.compaction or None,
        "most_bytes": stored.MOST_SECTION_BYTES,
        "most_title": stored.MOST_TITLE_CHARACTERS,
    }


def _holds(section: Section, q: str) -> bool:
    text = section.text.lower()
    return all(word in text for word in q.lower().split())


def _section(section: Section, archived: int) -> Json:
    return {
        "number": section.number,
        "title": section.title,
        "written": section.written,
        "text": section.body,
        "archived": section.number <= archived,
        "trials": sorted(trials_named(section.text)),
    }


NOTES = View(notes, title="Lab notes")

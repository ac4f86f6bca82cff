"""lab_notes: the lab's memory across sessions."""

from typing import Annotated

from pydantic import Field

from pawn_lab.lab import Lab
from pawn_lab.tools.registry import LabTool
from pawn_lab.tools.values import Answer


class NotesAnswer(Answer):
    """The notes, oldest section first; left out after an append, whose text you know."""

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
) -> NotesAnswer:
    """Read or append the lab notes, which survive compaction, restarts and you.

    Read them first in a new session. Append after each phase: tables of results, which setting was
    chosen and why, the events cursor, anomalies, what comes next. Notes are only ever appended.
    """
    notes = lab.notes(append=append, section=section)
    return NotesAnswer(characters=len(notes), notes=notes if append is None else None)


TOOL = LabTool(lab_notes, title="Lab notes")

"""The lab notes: sections that are added, and read."""

from pawn_lab.lab.workspace import Lab
from pawn_lab.reporting import notes
from pawn_lab.reporting.notes import trials_named
from pawn_lab.store import trials


def append(lab: Lab, text: str, section: str | None = None) -> None:
    """Add a section to the lab notes.

    A trial that ended in trouble is answered for by a note that names it.

    Raises:
        NotesTooLongError: the text does not fit a section.
    """
    lab.create()
    notes.append(lab.paths, text, section)
    if named := trials_named(f"{section or ''}\n{text}"):
        with lab.database.write() as tx:
            trials.mark_noted(tx, named)


def read(lab: Lab, section: str | None = None) -> str:
    """Return the lab notes; a section by its title."""
    return notes.read(lab.paths, section)

"""The lab's front: what the MCP server, the CLI and scripts call.

No daemon stands behind it. Every call first brings the workspace up to date (`tick`), so it
does not matter which process calls, how many do, or which of them die.
"""

from pawn_lab.lab.launching import Launching
from pawn_lab.lab.spending import Spending
from pawn_lab.lab.sweeping import Sweeping
from pawn_lab.reporting import notes

__all__ = ["Lab"]


class Lab(Launching, Sweeping, Spending):
    """One workspace of experiments."""

    def notes(self, append: str | None = None, section: str | None = None) -> str:
        """Append a section to the lab notes, or return them; a section by its title.

        Raises:
            NotesTooLongError: the text does not fit a section.
        """
        if append is not None:
            notes.append(self.paths, append, section)
        return notes.read(self.paths, section)

"""The lab's front: what the MCP server, the CLI and scripts call.

No daemon stands behind it. Every call first brings the workspace up to date (`tick`), so it
does not matter which process calls, how many do, or which of them die.
"""

from collections.abc import Callable
from pathlib import Path

from pawn_lab.errors import NoLabError
from pawn_lab.lab.launching import Launching
from pawn_lab.lab.spending import Spending
from pawn_lab.lab.storing import Storing
from pawn_lab.lab.sweeping import Sweeping
from pawn_lab.reporting import notes
from pawn_lab.reporting.notes import trials_named
from pawn_lab.store import trials

__all__ = ["Lab", "opener"]


class Lab(Launching, Sweeping, Spending, Storing):
    """One workspace of experiments."""

    def notes(self, append: str | None = None, section: str | None = None) -> str:
        """Append a section to the lab notes, or return them; a section by its title.

        A trial that ended in trouble is answered for by a note that names it.

        Raises:
            NotesTooLongError: the text does not fit a section.
        """
        if append is not None:
            self.create()
            notes.append(self.paths, append, section)
            if named := trials_named(f"{section or ''}\n{append}"):
                with self._database.write() as tx:
                    trials.mark_noted(tx, named)
        return notes.read(self.paths, section)


def opener(workspace: Path) -> Callable[[], Lab]:
    """Return what opens a workspace anew for each call of a server.

    A lab that was there and has been moved is not made again, empty, at its old place.
    """
    existed = False

    def open_lab() -> Lab:
        nonlocal existed
        lab = Lab.look(workspace)
        if existed and not lab.exists:
            raise NoLabError(f"the lab in '{workspace}' is gone: moved, or deleted")
        existed = lab.exists
        return lab

    return open_lab

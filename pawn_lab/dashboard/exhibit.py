"""What a dashboard shows: a lab, brought up to date while somebody looks."""

from collections.abc import Callable
from pathlib import Path

from pawn_lab.lab import Lab


class Exhibit:
    """A lab that is opened anew for each question.

    mode: "live" where trials can be acted on; "bare" for run folders that no lab owns.
    """

    mode = "live"

    def __init__(self, open_lab: Callable[[], Lab]) -> None:
        self.open = open_lab

    def place(self, lab: Lab) -> Path:
        """Return the folder that is shown."""
        return lab.paths.root

    def open_to_look(self) -> Lab:
        """Open the lab as the last scheduler pass left it."""
        return self.open().only_looking()

    def advance(self) -> None:
        """Make a scheduler pass: a lab that is only looked at goes on too."""
        with self.open() as lab:
            lab.tick()

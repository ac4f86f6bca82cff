"""What every command takes: which lab, and for whom the answer is."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from pydantic_core import to_json
from rich.console import Console

from pawn_lab.cli.render import line, render
from pawn_lab.lab import Lab
from pawn_lab.paths import WorkspacePaths, default_workspace
from pawn_lab.tools import Answer


@Parameter(name="*")
@dataclass(frozen=True)
class Options:
    """What every command takes."""

    json: Annotated[bool, Parameter(negative=(), help="Print the answer as JSON.")] = False
    workspace: Annotated[
        Path | None, Parameter(help="The lab's folder; default $PAWN_WORKSPACE, else runs.")
    ] = None

    def open_lab(self) -> Lab:
        """Open the lab of this workspace."""
        return Lab.look(self.workspace or default_workspace()).called_by("cli")

    def existing_lab(self) -> Lab:
        """Open the lab of this workspace, where there is one.

        Raises:
            NoLabError: there is none.
        """
        lab = self.open_lab()
        lab.check_exists()
        return lab

    def show(self, answer: Answer, workspace: WorkspacePaths) -> None:
        """Print an answer for a person, to whom paths lead from here, or for a program."""
        if self.json:
            self.write(to_json(answer.wire()).decode())
            return
        for name in answer.files:
            setattr(answer, name, os.path.relpath(workspace.root / getattr(answer, name)))
        render(answer, Console())

    def show_line(self, row: Answer) -> None:
        """Print one row on a line of its own."""
        self.write(to_json(row.wire()).decode() if self.json else line(row))

    def write(self, text: str) -> None:
        """Print a text at once."""
        print(text, flush=True)  # noqa: T201


DEFAULTS = Options()

"""The command line in this process, as the tests of its verbs call it."""

import json
import sys
from pathlib import Path
from typing import Any

from pawn_lab.cli.app import main


class Command:
    """The command line in this process, on one workspace."""

    def __init__(self, workspace: Path, capsys, monkeypatch) -> None:
        self.workspace, self._capsys, self._monkeypatch = workspace, capsys, monkeypatch

    def __call__(self, *arguments: object) -> tuple[int, str, str]:
        """Return the exit code, stdout and stderr."""
        given = [*map(str, arguments), "--workspace", str(self.workspace)]
        self._monkeypatch.setattr(sys, "argv", ["pawn-lab", *given])
        try:
            main()
        except SystemExit as exit_:
            code = exit_.code
            assert isinstance(code, int)
        else:
            code = 0
        printed = self._capsys.readouterr()
        return code, printed.out, printed.err

    def json(self, *arguments: object) -> Any:
        """Return the answer of a command that succeeds."""
        code, out, err = self(*arguments, "--json")
        assert (code, err) == (0, "")
        return json.loads(out)

"""The command that says what keeps the lab from working here."""

import sys

from cyclopts import App
from pydantic_core import to_json
from rich.console import Console
from rich.table import Table

from pawn_lab.cli.options import DEFAULTS, Options
from pawn_lab.text import mask_secrets

_STYLES = {"ok": "green", "warn": "yellow", "fail": "bold red"}
_ILL = 1


def add_doctor_command(app: App) -> None:
    """Register the command."""
    app.command(doctor)


def doctor(*, options: Options = DEFAULTS) -> None:
    """Look at the machine, the workspace and the agents: what does not work, and what mends it.

    Exit code 1 where something fails. Nothing is changed.
    """
    from pawn_lab.doctor import Patient, examine

    found = examine(Patient.here(options.workspace))
    if options.json:
        rows = [{"check": name} | finding._asdict() for name, finding in found]
        options.write(mask_secrets(to_json(rows).decode()))
    else:
        table = Table.grid(padding=(0, 2))
        for name, finding in found:
            status = f"[{_STYLES[finding.status]}]{finding.status}[/]"
            table.add_row(status, name, mask_secrets(finding.what))
            if finding.mend:
                table.add_row("", "", f"mend: {finding.mend}")
        Console().print(table)
    if any(finding.status == "fail" for _, finding in found):
        sys.exit(_ILL)

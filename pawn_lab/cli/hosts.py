"""The command that puts the lab into coding agents and editors."""

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from pawn_lab.hosts import HOSTS, Place, Scope, host_named
from pawn_lab.hosts import install as changes_to_install
from pawn_lab.hosts import remove as changes_to_remove

_Name = Annotated[str, Parameter(name="--host", help=f"{', '.join(h.name for h in HOSTS)}.")]
_Scope = Annotated[Scope, Parameter(help="This project, or all projects of this person.")]
_Folder = Annotated[Path, Parameter(help="The project's folder.")]
_DryRun = Annotated[bool, Parameter(negative=(), help="Show the changes and make none.")]
_Remove = Annotated[bool, Parameter(negative=(), help="Take the lab out again.")]


def add_install_command(app: App) -> None:
    """Register the command."""
    app.command(install)


def install(
    *,
    host: _Name,
    scope: _Scope = "project",
    project: _Folder = Path(),
    dry_run: _DryRun = False,
    remove: _Remove = False,
) -> None:
    """Put server, hooks and skills of the lab into a coding agent or an editor.

    What its files have besides stays. A file is kept beside itself, as *.before-pawn-lab, before
    the first change; --remove takes out what was put in.
    """
    chosen, place = host_named(host), Place.here(scope, project)
    changes = (changes_to_remove if remove else changes_to_install)(chosen, place)
    for change in changes:
        if dry_run:
            print(change.shown(), end="")  # noqa: T201
        else:
            change.make()
            print(f"{change.path}")  # noqa: T201
    if not changes:
        print(f"{chosen.title}: nothing to change")  # noqa: T201
    for remark in () if remove else chosen.remarks(place):
        print(remark)  # noqa: T201

"""What a host is, and the place in which the lab is put into it."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from pawn_lab.errors import InvalidRequestError
from pawn_lab.hosts.changes import Piece
from pawn_lab.paths import WORKSPACE_VARIABLE, default_workspace
from pawn_lab.shipped import ROOT

SERVER = "pawn-lab"
"""What the server is called in every host; with it the longest tool has at most 60 characters."""

Scope = Literal["project", "user"]

_SETTINGS = (WORKSPACE_VARIABLE, "CUDA_VISIBLE_DEVICES", "PAWN_CPU_SLOTS", "HF_HOME")
"""Variables that make a difference to the server and hold no secret."""
_SECRETS = ("HF_TOKEN", "WANDB_API_KEY")
"""Variables that are named to a host, never written down."""
_PASSING = ("archive-v0", "environments-v2")
"""Folders of uv's cache: an environment of `uvx` lies there until the cache is emptied."""


@dataclass(frozen=True)
class Place:
    """Where the lab is put: one project, or all of a person's.

    folder: of the project. environment: of whoever installs, which a host may not hand on.
    """

    scope: Scope
    folder: Path
    home: Path
    environment: Mapping[str, str]

    @classmethod
    def here(cls, scope: Scope, folder: Path = Path()) -> "Place":
        """Return the place that the caller stands in."""
        return cls(scope, folder.absolute(), Path.home(), MappingProxyType(dict(os.environ)))

    @property
    def base(self) -> Path:
        """The folder below which hosts keep what this scope is about."""
        return self.folder if self.scope == "project" else self.home

    def configured(self, variable: str, default: str) -> Path:
        """Return a host's own folder: a person may have moved that of all projects."""
        moved = self.environment.get(variable)
        return Path(moved) if moved and self.scope == "user" else self.base / default

    def settings(self) -> dict[str, str]:
        """Return the variables that the server needs, with their values.

        A server that a project starts is told which lab is the project's: not every host starts it
        there.
        """
        given = {name: self.environment[name] for name in _SETTINGS if name in self.environment}
        if self.scope == "project" or WORKSPACE_VARIABLE in given:
            given[WORKSPACE_VARIABLE] = str(self._workspace())
        return given

    def secrets(self) -> list[str]:
        """Return the names of the secrets that are set here."""
        return [name for name in _SECRETS if self.environment.get(name)]

    def hook_environment(self) -> dict[str, str]:
        """Return what a hook must be told to find the lab where the project does not lead to it."""
        chosen = self.environment.get(WORKSPACE_VARIABLE)
        return {WORKSPACE_VARIABLE: str(self.folder / chosen)} if chosen else {}

    def _workspace(self) -> Path:
        chosen = self.environment.get(WORKSPACE_VARIABLE)
        return self.folder / (chosen or default_workspace(self.folder))


@dataclass(frozen=True)
class Host:
    """A program that the lab can be put into.

    pieces: what is put where. remarks: what a person has to do then, or should know.
    check: refuses where the lab is in the host in another way.
    """

    name: str
    title: str
    pieces: Callable[[Place], Sequence[Piece]]
    remarks: Callable[[Place], Sequence[str]] = lambda _: ()
    check: Callable[[Place], None] = lambda _: None


def server_command() -> list[str]:
    """Return the command that starts this installation's server, whatever the PATH.

    Raises:
        InvalidRequestError: this installation is a passing one of `uvx`.
    """
    if any(part in Path(sys.prefix).parts for part in _PASSING):
        raise InvalidRequestError(
            "this pawn-lab runs from uv's cache, which may be emptied; install it first "
            "(`uv tool install pawn-lab`), then run pawn-lab install"
        )
    launcher = ROOT / "bin" / "pawn-lab"
    if launcher.is_file():
        return ["/bin/sh", str(launcher), "mcp"]
    return [str(Path(sys.prefix) / "bin" / "pawn-lab"), "mcp"]


def server_entry(place: Place, reference: str, **more: Any) -> dict[str, Any]:
    """Return the server as most hosts describe it.

    Args:
        reference: how the host writes the value of a variable, `{}` standing for its name.
    """
    program, *arguments = server_command()
    secrets = {name: reference.format(name) for name in place.secrets()}
    return {"command": program, "args": arguments, "env": place.settings() | secrets, **more}

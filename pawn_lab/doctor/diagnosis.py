"""What a check looks at, and what it has found."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from pawn_lab.paths import WorkspacePaths, default_workspace

Status = Literal["ok", "warn", "fail"]


class Diagnosis(NamedTuple):
    """One thing that is well, or is not; `mend` is what to do then, if it can be a command."""

    status: Status
    what: str
    mend: str | None = None


@dataclass(frozen=True)
class Patient:
    """The lab of a folder, and whoever runs it."""

    paths: WorkspacePaths
    folder: Path
    home: Path
    environment: Mapping[str, str]

    @classmethod
    def here(cls, workspace: Path | None = None) -> "Patient":
        """Return the lab that the caller would use, for this user."""
        paths = WorkspacePaths((workspace or default_workspace()).absolute())
        return cls(paths, Path.cwd(), Path.home(), dict(os.environ))

    def nearest_folder(self) -> Path:
        """Return the workspace, or the folder in which it would be made."""
        root = self.paths.root
        return next(folder for folder in (root, *root.parents) if folder.exists())


def ok(what: str) -> Diagnosis:
    """Return that something is well."""
    return Diagnosis("ok", what)


def warn(what: str, mend: str) -> Diagnosis:
    """Return that something is missing that not everybody needs."""
    return Diagnosis("warn", what, mend)


def fail(what: str, mend: str) -> Diagnosis:
    """Return that something does not work."""
    return Diagnosis("fail", what, mend)

"""Changes to a person's files: shown before they are made, what was there before is kept."""

import contextlib
import difflib
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pawn_core.durable import make_directory, replace_file
from pawn_lab.errors import WorkspaceNotWritableError
from pawn_lab.text import mask_secrets

_BACKUP = ".before-pawn-lab"
_REFERENCE = re.compile(r'"\$\{?(?:env:)?[A-Z_]+\}?",?$')


@dataclass(frozen=True)
class FileChange:
    """What a file holds, and what it is to hold; None where there is none.

    whole: whether the file is ours from its first to its last byte.
    first: whether there is nothing of ours in it before, so that it is worth keeping.
    """

    path: Path
    before: bytes | None
    after: bytes | None
    whole: bool = False
    first: bool = False

    def shown(self) -> str:
        """Return the change as a unified diff without secrets; of a whole file what becomes of it.

        A reference to a variable is no secret.
        """
        if self.whole:
            what = "write" if self.after is not None else "delete"
            return f"{what} {self.path}\n"
        old, new = (
            str(self.path) if side is not None else os.devnull for side in (self.before, self.after)
        )
        diff = difflib.unified_diff(_lines(self.before), _lines(self.after), old, new)
        return "".join(line if _REFERENCE.search(line) else mask_secrets(line) for line in diff)

    def make(self) -> None:
        """Change the file; one that a link stands for is changed where it lies.

        A person's file is kept beside it as it was before the first change.

        Raises:
            WorkspaceNotWritableError: the file or its folder cannot be written.
        """
        try:
            self._make(self.path.resolve(), backup_of(self.path))
        except OSError as error:
            raise WorkspaceNotWritableError(f"{self.path} cannot be written: {error}") from None

    def _make(self, path: Path, backup: Path) -> None:
        if self.after is None:
            path.unlink()
            _delete_if_empty(path.parent)
            return
        make_directory(path.parent)
        if self.whole:
            path.write_bytes(self.after)
            return
        if self.before is not None and self.first and not backup.exists():
            replace_file(backup, self.before, _mode(path))
        replace_file(path, self.after, _mode(path))


class Piece(Protocol):
    """What the lab puts into one place of a host."""

    def put(self) -> Iterable[FileChange]:
        """Yield what has to change for it to be there; nothing where it is."""
        ...

    def taken(self) -> Iterable[FileChange]:
        """Yield what has to change for it to be gone; nothing where it is not there."""
        ...


def backup_of(path: Path) -> Path:
    """Return where a file is kept as it was before the lab came into it."""
    real = path.resolve()
    return real.with_name(real.name + _BACKUP)


def read(path: Path) -> bytes | None:
    """Return what a file holds; None where there is none."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _delete_if_empty(folder: Path) -> None:
    """Delete the folder of a skill whose files are gone, and a host's where nothing else is."""
    for empty in (folder, *folder.parents[:2]):
        with contextlib.suppress(OSError):
            empty.rmdir()


def _mode(path: Path) -> int:
    return path.stat().st_mode & 0o777 if path.exists() else 0o666


def _lines(content: bytes | None) -> list[str]:
    text = (content or b"").decode(errors="replace")
    return [line if line.endswith("\n") else f"{line}\n" for line in text.splitlines(keepends=True)]

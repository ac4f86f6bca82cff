"""Skills where a host looks for them: copies, with a list of what was written."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from pawn_lab.errors import InvalidRequestError
from pawn_lab.hosts.changes import FileChange, read
from pawn_lab.shipped import SKILLS

_LIST = ".pawn-lab.json"
"""In a skill's folder: the digest of each file as it was written."""


@dataclass(frozen=True)
class SkillFolder:
    """All skills of the lab, each in a folder of its name below this one."""

    path: Path

    def put(self) -> Iterator[FileChange]:
        """Yield the files that are missing or of another version.

        Raises:
            InvalidRequestError: a skill of that name is somebody else's, or was changed by hand.
        """
        for skill in sorted(source.name for source in SKILLS.iterdir() if source.is_dir()):
            yield from self._put(skill)

    def taken(self) -> Iterator[FileChange]:
        """Yield the deletion of every file that is as it was written; those changed stay."""
        for listing in sorted(self.path.glob(f"*/{_LIST}")):
            for name, digest in _listed(listing).items():
                content = read(listing.parent / name)
                if content is not None and _digest(content) == digest:
                    yield FileChange(listing.parent / name, content, None, whole=True)
            yield FileChange(listing, read(listing), None, whole=True)

    def _put(self, skill: str) -> Iterator[FileChange]:
        source, target = SKILLS / skill, self.path / skill
        files = {
            path.relative_to(source).as_posix(): path.read_bytes()
            for path in sorted(source.rglob("*"))
            if path.is_file()
        }
        written = _listed(target / _LIST)
        if target.exists() and not written:
            raise InvalidRequestError(
                f"{target} is a skill of that name that the lab did not write; move it away first"
            )
        for name in sorted({*files, *written}):
            yield from _changed(target / name, written.get(name), files.get(name))
        listing = {name: _digest(content) for name, content in files.items()}
        if listing != written:
            yield _written(target / _LIST, (json.dumps(listing, indent=2) + "\n").encode())


def _changed(path: Path, digest: str | None, wanted: bytes | None) -> Iterator[FileChange]:
    there = read(path)
    if there == wanted:
        return
    if there is not None and _digest(there) != digest:
        raise InvalidRequestError(f"{path} was changed by hand; move it away first")
    yield FileChange(path, there, wanted, whole=True)


def _written(path: Path, content: bytes) -> FileChange:
    return FileChange(path, read(path), content, whole=True)


def _listed(path: Path) -> dict[str, Any]:
    """Return what a list says was written; nothing where there is none that can be read."""
    try:
        listing = json.loads(read(path) or b"{}")
    except ValueError:
        return {}
    return listing if isinstance(listing, dict) else {}


def _digest(content: bytes) -> str:
    return sha256(content).hexdigest()

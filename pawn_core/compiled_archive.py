"""What a run has compiled as one file, for another machine with the same device.

A line of JSON about the rest, then what `torch.compiler.save_cache_artifacts` returns. Loading it
runs code that is in it: it is looked for nowhere but where the user's own compiled graphs are.
"""

import json
from hashlib import sha256
from pathlib import Path

import torch

from pawn_core.durable import make_directory, replace_file
from pawn_core.untrusted import parse_object

SUFFIX = ".graphs"


class ArchiveError(Exception):
    """A file is no archive of this code, torch and device, or is damaged."""


class CompiledArchive:
    """The archive that a run writes beside its checkpoints, so that uploads carry it."""

    def __init__(self, folder: Path, key: str) -> None:
        self.path = folder / f"{key}{SUFFIX}"
        self._key = key
        self._graphs = 0

    def update(self, graphs: int) -> bool:
        """Write what is compiled by now, where that is more graphs; say whether it is.

        Raises:
            OSError: it cannot be written.
        """
        if graphs <= self._graphs:
            return False
        self._graphs = graphs
        saved = torch.compiler.save_cache_artifacts()
        if saved is None:  # nothing of it can be kept
            return False
        make_directory(self.path.parent)
        replace_file(self.path, _packed(self._key, saved[0]))
        return True


def load_archive(path: Path, key: str) -> None:
    """Put what an archive holds where torch looks for it.

    Raises:
        ArchiveError: it is another's, or damaged.
        OSError: it cannot be read, or what it holds cannot be written.
    """
    contents = _unpacked(path, key)
    if torch.compiler.load_cache_artifacts(contents) is None:
        raise ArchiveError(f"{path} is not what this torch writes")


def _packed(key: str, contents: bytes) -> bytes:
    head = {"key": key, "bytes": len(contents), "sha256": sha256(contents).hexdigest()}
    return json.dumps(head).encode() + b"\n" + contents


def _unpacked(path: Path, key: str) -> bytes:
    line, _, contents = path.read_bytes().partition(b"\n")
    try:
        head = parse_object(line, path)
    except ValueError as error:
        raise ArchiveError(str(error)) from None
    if head.get("key") != key:
        raise ArchiveError(f"{path} is of {head.get('key')!r}; this is {key!r}")
    if sha256(contents).hexdigest() != head.get("sha256"):
        raise ArchiveError(f"{path} does not match its SHA-256: it is damaged")
    return contents

"""Which code a trial runs: the packages that decide what a trainer computes."""

import functools
import hashlib
from importlib.util import find_spec
from pathlib import Path

_PACKAGES = ("pawn_core", "chess_engine")
_SUFFIXES = (".py", ".so")


@functools.cache
def code_digest() -> str:
    """Return a SHA-256 over every source and library file of the trainer's own packages."""
    digest = hashlib.sha256()
    for package in _PACKAGES:
        for path in _files(package):
            digest.update(f"{package}/{path.name}".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _files(package: str) -> list[Path]:
    spec = find_spec(package)
    assert spec is not None, package
    root = Path(next(iter(spec.submodule_search_locations or ())))
    return sorted(path for path in root.rglob("*") if path.suffix in _SUFFIXES)

"""Programs of others that the page brings, by their npm package, version, licence and hash."""

import hashlib
import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "static" / "vendor"
LIST = FOLDER / "vendored.json"


def packages() -> list[dict[str, Any]]:
    """Return the packages: name, version, licence, and files with source, name and SHA-256."""
    return json.loads(LIST.read_text(encoding="utf-8"))


def changed() -> list[str]:
    """Name the vendored files that are not as their package's record says."""
    files = [file for package in packages() for file in package["files"]]
    return [file["name"] for file in files if digest(FOLDER / file["name"]) != file["sha256"]]


def digest(file: Path) -> str:
    """Return the SHA-256 of a file, empty for one that is not there."""
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else ""

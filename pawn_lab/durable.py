"""Files that are either absent or whole, power loss included. Standard library only."""

import contextlib
import json
import os
from pathlib import Path
from typing import Any


def write_durably(path: Path, data: bytes) -> None:
    """Replace a file in one step: written aside, fsynced, renamed, its folder fsynced."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Make the names in a folder survive power loss."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_json(path: Path, value: Any) -> None:
    """Write a JSON document durably."""
    write_durably(path, json.dumps(value, indent=2, allow_nan=False).encode() + b"\n")


def read_json_object(path: Path) -> dict[str, Any] | None:
    """Return the JSON object in a file, or None where there is no such file.

    Raises:
        ValueError: the file holds anything else.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    value = json.loads(data)
    if not isinstance(value, dict):
        raise ValueError(f"{path.name} holds {type(value).__name__}, not a JSON object")
    return value

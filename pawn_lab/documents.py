"""JSON documents on disk, absent or whole. Standard library only."""

import json
from pathlib import Path
from typing import Any

from pawn_core.durable import replace_file


def write_json(path: Path, value: Any, mode: int = 0o666) -> None:
    """Write a JSON document; it survives a power loss."""
    replace_file(path, json.dumps(value, indent=2, allow_nan=False).encode() + b"\n", mode)


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

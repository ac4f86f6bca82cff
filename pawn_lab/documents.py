"""Documents on disk, absent or whole, whoever may have replaced them. Standard library only."""

import contextlib
import errno
import json
import os
import threading
from pathlib import Path
from typing import Any

from pawn_core.durable import replace_file
from pawn_core.untrusted import (
    MOST_BYTES,
    UntrustedFileError,
    parse_json,
    parse_object,
    read_end,
    read_file,
)


def write_json(path: Path, value: Any, mode: int = 0o666) -> None:
    """Write a JSON document; it survives a power loss."""
    replace_file(path, json.dumps(value, indent=2, allow_nan=False).encode() + b"\n", mode)


def own_folder(path: Path) -> None:
    """Make a folder where there is none; what is written in it shall stay below its parent.

    Raises:
        NotADirectoryError: a link, or no folder, is in its place.
        OSError: it cannot be made.
    """
    with contextlib.suppress(FileExistsError):
        path.mkdir()
    if path.is_symlink() or not path.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, "not a folder of its own; move it away", str(path))


def write_cache(path: Path, data: bytes) -> None:
    """Replace a file in one step, not forced to the disk; where it cannot be written, leave it."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.tmp")
    try:
        with contextlib.suppress(OSError):
            with partial.open("xb") as file:
                file.write(data)
            partial.replace(path)
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)


def load_json_object(path: Path, root: Path | None = None, most: int = MOST_BYTES) -> dict:
    """Return the JSON object in a file; below `root` no link is followed to it.

    Raises:
        FileNotFoundError: there is no such file.
        UntrustedFileError: it holds anything else, or is no regular file.
    """
    try:
        return parse_object(read_file(path, root, most), path.name, parse_json)
    except ValueError as error:
        raise UntrustedFileError(str(error)) from None


def load_own(path: Path) -> dict[str, Any]:
    """Return the JSON object in a file that the lab has just written, bytes that are no text too.

    Raises:
        OSError, ValueError: it cannot be read.
    """
    return parse_object(read_file(path), path.name)


def read_json_object(path: Path, root: Path | None = None) -> dict[str, Any] | None:
    """Return the JSON object in a file, or None where there is none that can be read."""
    with contextlib.suppress(OSError):
        return load_json_object(path, root)
    return None


def read_text(path: Path, most: int = MOST_BYTES) -> str:
    """Return the end of a text file, damaged characters replaced; empty where none can be read."""
    with contextlib.suppress(OSError):
        return read_end(path, most).decode("utf-8", errors="replace")
    return ""

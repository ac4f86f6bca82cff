"""Files that someone else may have replaced: regular ones only, bounded, never waited for.

Standard library only, for the shim of pawn_lab.
"""

import json
import math
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

MOST_BYTES = 16 << 20
MOST_DEPTH = 64
LARGEST_INTEGER = 2**63 - 1

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC

_LOG = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class UntrustedFileError(OSError):
    """What stands in a file's place is none, or it holds too much or what cannot be read."""


def open_file(path: Path, root: Path | None = None) -> int:
    """Open a regular file for reading and return its descriptor.

    Below `root`, by default the folder that the file is in, no link is followed.

    Raises:
        UntrustedFileError: a link, a FIFO, a directory or a device is in its place.
        OSError: as open(2), so FileNotFoundError where nothing is there.
    """
    root = path.parent if root is None else root
    *folders, name = path.relative_to(root).parts
    folder = os.open(root, _FOLDER)
    try:
        for part in folders:
            outer, folder = folder, os.open(part, _FOLDER | os.O_NOFOLLOW, dir_fd=folder)
            os.close(outer)
        return _regular(os.open(name, _FILE, dir_fd=folder), path)
    except NotADirectoryError as error:
        raise UntrustedFileError(f"{path} is not reached through folders alone") from error
    except OSError as error:
        raise _named(error, path) from error
    finally:
        os.close(folder)


def open_log(path: Path) -> int:
    """Open a regular file for appending, made where there is none, and return its descriptor.

    Raises:
        UntrustedFileError: a FIFO, a directory or a device is in its place.
        OSError: as open(2): a link is not followed.
    """
    return _regular(os.open(path, _LOG, 0o644), path)


def _regular(descriptor: int, path: Path) -> int:
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise UntrustedFileError(f"{path} is not a regular file")


def _named(error: OSError, path: Path) -> OSError:
    """Return an error of the file's whole path: a link, a socket, or what open(2) said."""
    if isinstance(error, UntrustedFileError):
        return error
    if path.is_symlink() or path.is_socket():
        return UntrustedFileError(f"{path} is not a regular file")
    return type(error)(error.errno, error.strerror, str(path))


def read_file(path: Path, root: Path | None = None, most: int = MOST_BYTES) -> bytes:
    """Return the contents of a regular file of at most so many bytes.

    Raises:
        UntrustedFileError: no regular file, or a larger one.
        OSError: as `open_file`.
    """
    with os.fdopen(open_file(path, root), "rb") as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise UntrustedFileError(f"{path} has over {most} bytes")
    return data


def read_end(path: Path, most: int, root: Path | None = None) -> bytes:
    """Return the last bytes of a regular file.

    Raises:
        OSError: as `open_file`.
    """
    with os.fdopen(open_file(path, root), "rb") as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - most))
        return file.read(most)


def parse_json(data: bytes | str) -> Any:
    """Return a JSON value whose numbers are finite, whose depth is bounded and whose text is text.

    Numbers that are not finite or have over 64 bits, and what lies deeper than `MOST_DEPTH`, become
    null; bytes that are no UTF-8 and half surrogate pairs become replacement characters.

    Raises:
        ValueError: it is not JSON.
    """
    text = data.decode("utf-8", errors="replace") if isinstance(data, bytes) else data
    try:
        return plain(json.loads(text, parse_int=_integer))
    except RecursionError:
        raise ValueError("nested too deep") from None


def parse_object(
    data: bytes, name: object, parse: Callable[[bytes], Any] = json.loads
) -> dict[str, Any]:
    """Return the JSON object in a document, its values as `parse` reads them.

    Raises:
        ValueError: it is not JSON, or holds anything else; the text names the document.
    """
    try:
        value = parse(data)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{name} is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise ValueError(f"{name} holds {type(value).__name__}, not a JSON object")
    return value


def _integer(digits: str) -> int | None:
    """Return an integer of at most 64 bits; longer digits are not even converted."""
    value = int(digits) if len(digits) <= 20 else None
    return value if value is None or abs(value) <= LARGEST_INTEGER else None


def plain(value: Any, depth: int = MOST_DEPTH) -> Any:
    """Return a JSON value as `parse_json` does."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, int):
        return value if abs(value) <= LARGEST_INTEGER else None
    if isinstance(value, dict | list) and not depth:
        return None
    if isinstance(value, dict):
        return {plain(name): plain(item, depth - 1) for name, item in value.items()}
    if isinstance(value, list):
        return [plain(item, depth - 1) for item in value]
    return value

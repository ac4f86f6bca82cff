"""Paths that are text, for libraries and from people. Standard library only."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def text_path(path: Path) -> Iterator[Path]:
    """Provide a path to the same file that is text, if need be by a descriptor of its folder.

    On Linux a path is bytes, and some libraries demand text.
    """
    try:
        os.fsencode(path).decode("utf-8")
        folder = None
    except UnicodeDecodeError:
        folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield path if folder is None else Path(f"/proc/self/fd/{folder}", path.name)
    finally:
        if folder is not None:
            os.close(folder)


def is_file(path: str | Path) -> bool:
    """Whether what somebody typed is a file; what no file system takes as a path is none."""
    with contextlib.suppress(OSError, ValueError):
        return Path(path).is_file()
    return False


def is_folder(path: str | Path) -> bool:
    """Whether what somebody typed is a folder."""
    with contextlib.suppress(OSError, ValueError):
        return Path(path).is_dir()
    return False


def is_there(path: str | Path) -> bool:
    """Whether what somebody typed is a file or a folder."""
    return is_file(path) or is_folder(path)

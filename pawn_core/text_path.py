"""Paths for libraries that demand text: on Linux a path is bytes. Standard library only."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def text_path(path: Path) -> Iterator[Path]:
    """Provide a path to the same file that is text, if need be by a descriptor of its folder."""
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

"""Folders that are meant whatever they are called by now. Linux; standard library only."""

import os
from pathlib import Path


def held(folder: Path) -> Path:
    """Return a path to a folder that stays right for this process, and those it forks, if it moves.

    Raises:
        OSError: there is no such folder.
    """
    return Path(f"/proc/self/fd/{os.open(folder, os.O_PATH | os.O_DIRECTORY)}")


def name_now(folder: Path) -> str:
    """Return what a folder is called now, for another process."""
    return os.path.realpath(folder)

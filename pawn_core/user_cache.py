"""Where what can be made anew is kept for all workspaces of a user."""

import os
from pathlib import Path


def in_user_cache(name: str, variable: str) -> Path:
    """Return where one kind of it is: what a variable names, else `pawn-lab/NAME` in the user's
    cache folder, `$XDG_CACHE_HOME` or `~/.cache`.
    """
    named = os.environ.get(variable)
    if named:
        return Path(named)
    user = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(user) / "pawn-lab" / name

"""Chess programs that are started beside a run. Standard library only."""

import os
import shutil

STOCKFISH = "stockfish"
_ELSEWHERE = "/usr/games"
"""Where Debian installs chess programs, which is not on everyone's PATH."""


def find_program(command: str) -> str:
    """Return the path of a program.

    command: a path, or a name on the PATH or in /usr/games.

    Raises:
        FileNotFoundError: there is none of this name.
    """
    search = os.pathsep.join((os.environ.get("PATH", os.defpath), _ELSEWHERE))
    path = shutil.which(command, path=search)
    if path is None:
        raise FileNotFoundError(
            f"no chess program {command!r} on the PATH or in {_ELSEWHERE}; install it "
            "(Debian: apt-get install stockfish gnuchess) or give its path"
        )
    return path


def missing_program(field: str, command: str) -> list[str]:
    """Return the line that refuses a config whose program is not here; none where it is."""
    try:
        find_program(command)
    except FileNotFoundError as error:
        return [f"{field} {command!r}: {error}"]
    return []

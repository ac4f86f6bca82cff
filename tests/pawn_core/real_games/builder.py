"""Opens games in a process of its own, which kills itself behind a commit where it is told to.

python builder.py PGN MAX_GAMES VAL_GAMES COMMIT
"""

import os
import signal
import sys
from collections.abc import Callable
from typing import NoReturn

from pawn_core.real_games import Selection, build, open_games
from pawn_core.real_games.games_cache import CacheWriter
from pawn_core.real_games.reading import pgn
from pawn_core.signals import StopFlag

BATCH_GAMES, COMMIT_GAMES = 7, 10
"""So that 50 games take several of each."""


def end_behind(commit: int, end: Callable[[], NoReturn], replace: Callable = setattr) -> None:
    """End once so many commits are made and more games have been written."""
    append, commit_games = CacheWriter.append, CacheWriter.commit
    made: list[int] = []

    def counted(self: CacheWriter, *arguments) -> None:
        commit_games(self, *arguments)
        made.append(self.games)

    def deadly(self: CacheWriter, games) -> None:
        append(self, games)
        if len(made) == commit:
            self.flush()
            end()

    replace(CacheWriter, "commit", counted)
    replace(CacheWriter, "append", deadly)


def main() -> None:
    """Open the games, or die; print what is said, and last the games' digest."""
    path, max_games, val_games, commit = sys.argv[1:]
    pgn.BATCH_GAMES, build.COMMIT_GAMES = BATCH_GAMES, COMMIT_GAMES
    if int(commit):
        end_behind(int(commit), lambda: os.kill(os.getpid(), signal.SIGKILL))
    wanted = Selection(path, 512, max_games=int(max_games), val_games=int(val_games))
    print(open_games(wanted, stop=StopFlag(), say=print).digest)


if __name__ == "__main__":
    main()

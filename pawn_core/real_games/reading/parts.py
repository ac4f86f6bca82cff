"""Games as they are read, a part of a file at a time."""

from collections import Counter
from typing import Any, NamedTuple

from pawn_core.real_games.columns import Columns

BATCH_GAMES = 4096
"""Games of a part at most."""


class Part(NamedTuple):
    """The next games of a file, perhaps none, and how far it has been read."""

    games: Columns
    report: "Counter[str]"
    """Games of the file `read` so far, `kept`, of these `cut` behind their end by the rules, and
    dropped by reason."""
    place: Any
    """Where reading goes on behind these games, as JSON."""
    share: float | None
    """Of the file that has been read; None: not known."""

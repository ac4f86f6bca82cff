"""Games of a PGN file, by the engine."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import chess_engine
import numpy as np
from chess_engine import FlatGames

from pawn_core.real_games.columns import Columns
from pawn_core.real_games.reading.parts import BATCH_GAMES, Part
from pawn_core.real_games.selection import Selection
from pawn_core.real_games.vocabularies import CACHED


def read_pgn(path: Path, selection: Selection, place: Any) -> Iterator[Part]:
    """Yield a file's games from a place on; None: from its beginning.

    Raises:
        OSError: the file cannot be read or decompressed; the games before that place come first.
    """
    reader = chess_engine.GameReader(
        path,
        batch_size=BATCH_GAMES,
        max_ply=selection.max_ply,
        vocabulary=CACHED,
        min_ply=selection.min_ply,
        elo_min=selection.elo_min,
        elo_max=selection.elo_max,
        time_control=selection.time_control,
        date_min=selection.date_min,
        date_max=selection.date_max,
        drop_bots=selection.no_bots,
        require_outcome=selection.require_outcome,
        start=place,
    )
    size = max(path.stat().st_size, 1)
    for games in reader:
        share = games.bytes_read / size
        yield Part(_columns(games), Counter(games.report), games.place, share)


def _columns(games: FlatGames) -> Columns:
    return Columns(
        games.tokens,
        np.diff(games.offsets),
        games.outcomes,
        np.column_stack((games.white_elo, games.black_elo)),
        games.digests,
    )

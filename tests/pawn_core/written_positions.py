"""Folders of positions that follow each other in games, some without one label or the other."""

import random
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import chess_engine
from made_positions import labelled

from pawn_core.positions import LabelledPosition, ShardWriter

START = "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - 0 1"
_SOURCES = ("stockfish:openings", "stockfish:tactical", "external:pgn")


def played(number: int, plies: int) -> Iterator[LabelledPosition]:
    """Yield the positions of a random game; every fifth has no policy, every seventh no value."""
    fen, generator = START, random.Random(number)
    for ply in range(plies):
        moves = chess_engine.legal_moves(fen)
        if not moves:
            return
        position = labelled(fen, f"game {number}")
        policy = {moves[0]: 3.0, moves[-1]: 1.0} if ply % 5 != 4 else None
        yield replace(position, policy=policy, value=position.value if ply % 7 != 6 else None)
        fen = chess_engine.apply(fen, generator.choice(moves))


def write_positions(
    folder: Path, games: int = 20, plies: int = 30, val_share: float = 0.25
) -> Path:
    """Fill a folder with the positions of so many games of each of three sources."""
    for place, source in enumerate(_SOURCES):
        with ShardWriter(folder, source, {"command": "test"}, val_share) as writer:
            for number in range(place * games, (place + 1) * games):
                for position in played(number, plies):
                    writer.add(position)
            writer.commit({"games": games})
    return folder


def games(first: int, count: int, plies: int = 12) -> list[LabelledPosition]:
    """Return the positions of some random games."""
    return [p for number in range(first, first + count) for p in played(number, plies)]


def add(
    folder: Path,
    positions: Iterable[LabelledPosition],
    source: str = "external:pgn",
    val_share: float = 0.25,
) -> Counter[str]:
    """Commit positions to a folder; return what is counted of the source."""
    with ShardWriter(folder, source, None, val_share) as shards:
        for position in positions:
            shards.add(position)
        shards.commit()
        return shards.counts

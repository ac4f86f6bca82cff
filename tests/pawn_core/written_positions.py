"""Folders of positions that follow each other in games, some without one label or the other."""

import random
from collections.abc import Iterator
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

"""Folders of labelled positions, of random games, whose labels a small model can learn."""

import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import chess_engine

from pawn_core.positions import LabelledPosition, ShardWriter

START = "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - 0 1"
_WORTH = {"p": 1, "n": 3, "b": 3, "r": 5, "q": 9}
_SOURCES = ("stockfish:openings", "stockfish:tactical", "external:pgn")


def material(fen: str) -> float:
    """How much more the side to move has of all pieces' worth, -1 to 1."""
    board, side = fen.split()[:2]
    white, black = (
        sum(_WORTH.get(man, 0) for man in men)
        for men in ([m.lower() for m in board if m.isupper()], [m for m in board if m.islower()])
    )
    difference = (white - black) / max(white + black, 1)
    return difference if side == "w" else -difference


def played(number: int, plies: int, start: str = START) -> Iterator[LabelledPosition]:
    """Yield the positions of a random game: most have the first legal move and a value as labels.

    Every fifth has no policy and every seventh no value.
    """
    fen, generator = start, random.Random(number)
    for ply in range(plies):
        moves = chess_engine.legal_moves(fen)
        if not moves:
            return
        policy = {moves[0]: 3.0, moves[-1]: 1.0} if ply % 5 != 4 else None
        value = material(fen) if ply % 7 != 6 else None
        yield LabelledPosition(fen, f"game {number}", policy, value)
        fen = chess_engine.apply(fen, generator.choice(moves))


def write_positions(
    folder: Path,
    sources: Sequence[str] = _SOURCES,
    games: int = 20,
    plies: int = 30,
    val_share: float = 0.25,
) -> Path:
    """Fill a folder with the positions of so many games of each source, other ones of each."""
    for place, source in enumerate(sources):
        with ShardWriter(folder, source, {"command": "test"}, val_share) as writer:
            for number in range(place * games, (place + 1) * games):
                for position in played(number, plies):
                    writer.add(position)
            writer.commit({"games": games})
    return folder

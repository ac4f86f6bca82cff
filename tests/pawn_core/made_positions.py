"""Folders of labelled positions for small real runs, whose labels follow from the rules."""

from collections.abc import Sequence
from pathlib import Path

import chess_engine

from pawn_core.positions import LabelledPosition, ShardWriter

SOURCES = ("stockfish:openings", "stockfish:endgames")
_MEN = {"stockfish:endgames": 8}
_WORTH = {"p": 1, "n": 3, "b": 3, "r": 5, "q": 9}


def made_positions(
    folder: Path, count: int = 64, sources: Sequence[str] = SOURCES, val_share: float = 0.25
) -> Path:
    """Write that many positions of random games of each source, each of a game of its own.

    The label of the policy is the first legal move by name, that of the value the balance of men.
    """
    for number, source in enumerate(sources):
        men = _MEN.get(source, 32)
        fens = chess_engine.sample_positions(range(2 * count), seed=number, men_max=men).fens
        with ShardWriter(folder, source, {"made": "for a test"}, val_share) as writer:
            for fen in list(filter(chess_engine.legal_moves, fens))[:count]:
                writer.add(labelled(fen, game=f"{source} {fen}"))
            writer.commit()
    return folder


def labelled(fen: str, game: str) -> LabelledPosition:
    """Return a position with its labels."""
    board, side = fen.split()[:2]
    white = sum(_WORTH.get(c.lower(), 0) * (1 if c.isupper() else -1) for c in board)
    value = max(-1.0, min(1.0, (white if side == "w" else -white) / 10))
    return LabelledPosition(fen, game, {min(chess_engine.legal_moves(fen)): 1.0}, value)

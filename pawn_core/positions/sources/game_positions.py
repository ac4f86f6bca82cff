"""Positions of recorded games: which plies of a game, and what was played there."""

import random
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import chess_engine

from pawn_core.positions.sources.walks import START


class Played(NamedTuple):
    """A position of a game and the move that was played."""

    fen: str
    uci: str


def positions_of_game(
    ucis: Sequence[str], *, first_ply: int, most: int | None, seed: int
) -> Iterator[Played]:
    """Yield positions of a game from a ply on, at most so many: any of them with equal chances.

    Which they are depends on the seed and the moves, never on other games.
    """
    plies = range(first_ply, len(ucis))
    drawn = set(plies)
    if most is not None and len(plies) > most:
        drawn = set(random.Random(f"{seed} {' '.join(ucis)}").sample(plies, most))
    fen = START
    for ply, uci in enumerate(ucis[: max(drawn, default=-1) + 1]):
        if ply in drawn:
            yield Played(fen, uci)
        fen = chess_engine.apply(fen, uci)

"""Positions of recorded games: which plies of a game, and what was played there."""

import random
from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeVar

import chess_engine

from pawn_core.positions.sources.walks import START

T = TypeVar("T")


class Played(NamedTuple):
    """A position of a game and the move that was played."""

    fen: str
    uci: str


def at_most(most: int | None, items: Sequence[T], seed: str) -> Sequence[T]:
    """Return at most so many of some items, in their order: any of them with equal chances."""
    if most is None or len(items) <= most:
        return items
    return [items[i] for i in sorted(random.Random(seed).sample(range(len(items)), most))]


def positions_of_game(
    ucis: Sequence[str], *, first_ply: int, most: int | None, seed: int
) -> Iterator[Played]:
    """Yield positions of a game from a ply on, at most so many: any of them with equal chances.

    Which they are depends on the seed and the moves, never on other games.
    """
    drawn = set(at_most(most, range(first_ply, len(ucis)), f"{seed} {' '.join(ucis)}"))
    fen = START
    for ply, uci in enumerate(ucis[: max(drawn, default=-1) + 1]):
        if ply in drawn:
            yield Played(fen, uci)
        fen = chess_engine.apply(fen, uci)

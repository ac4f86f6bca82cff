"""The domains of positions that Stockfish labels: what is taken of its games, one entry each.

Shapes: n positions of a batch, 8 x 8 squares with rank 8 first.
"""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import NamedTuple

import chess_engine
import numpy as np
from chess_engine import EncodedPositions
from numpy.typing import NDArray

from pawn_core.positions.sources.walks import WalkedPosition

_OPENING_PLIES, _OPENING_MEN = 20, 28
_ENDGAME_PIECES = 6
_RING_SQUARES, _RING_TWICE = 2, 1
_WEAK_PAWNS = 3
_ISOLATED, _DOUBLED = 2, 3
"""Planes of the target pawn_structure; the first two are the pawns of White and of Black."""
_OPEN_CP = 300
_ONLY_MOVE_CP, _LOST_CP, _WON_ANYWAY_CP = 100, -200, 400
_CHOICE_CP = 75
_CHOICES = 3


class WalkedPositions:
    """Positions of walks, and what can be said of them."""

    def __init__(self, positions: Sequence[WalkedPosition]) -> None:
        self.positions = positions
        self._placements = [position.fen.split(" ", 1)[0] for position in positions]

    @cached_property
    def encoded(self) -> EncodedPositions:
        """The targets of the tasks."""
        return chess_engine.encode_positions([p.fen for p in self.positions], legal=False)

    @cached_property
    def men_n(self) -> NDArray[np.int64]:
        """Men on the board."""
        return np.array([sum(map(str.isalpha, p)) for p in self._placements], np.int64)

    @cached_property
    def pieces_n(self) -> NDArray[np.int64]:
        """Men that are neither pawn nor king."""
        pieces = [sum(c in "nbrqNBRQ" for c in p) for p in self._placements]
        return np.array(pieces, np.int64)

    @cached_property
    def plies_n(self) -> NDArray[np.int64]:
        """Moves made before."""
        return np.array([position.ply for position in self.positions], np.int64)

    def line_n(self, rank: int) -> NDArray[np.float64]:
        """Return centipawns of the moves of a rank, 0 for the best; NaN where there are fewer."""
        lines = [position.analysis.lines for position in self.positions]
        return np.array([line[rank].centipawns if len(line) > rank else np.nan for line in lines])

    @cached_property
    def open_n(self) -> NDArray[np.bool_]:
        """Whether neither side has won yet."""
        return np.abs(self.line_n(0)) <= _OPEN_CP

    @cached_property
    def in_check_n(self) -> NDArray[np.bool_]:
        """Whether the king of the side to move is attacked: its ring does not hold itself."""
        king = np.where(self.encoded.side_to_move == 1, 5, 11)[:, None, None]
        is_king = self.encoded.target("piece") == king
        return (is_king & (self.encoded.target("threat") == 1)).any(axis=(1, 2))

    @cached_property
    def takes_n(self) -> NDArray[np.bool_]:
        """Whether the best move captures or promotes; an en-passant capture does not count."""
        ucis = [position.analysis.lines[0].uci for position in self.positions]
        piece = self.encoded.target("piece").reshape(-1, 64)
        to = np.array([(8 - int(uci[3])) * 8 + ord(uci[2]) - ord("a") for uci in ucis], np.int64)
        promotes = np.array([len(uci) > 4 for uci in ucis], np.bool_)
        return promotes | (piece[np.arange(len(ucis)), to] != 12)


def is_opening(batch: WalkedPositions) -> NDArray[np.bool_]:
    """At most 20 plies from the start, and at least 28 men."""
    return (batch.plies_n <= _OPENING_PLIES) & (batch.men_n >= _OPENING_MEN)


def is_king_attacked(batch: WalkedPositions) -> NDArray[np.bool_]:
    """The king of the side to move is under fire before the endgame.

    Two squares beside it are attacked at least, or one of them by two enemy men or more.
    """
    attackers = batch.encoded.target("king_safety").reshape(len(batch.positions), 64)
    once = ((attackers == 1) | (attackers == 2)).sum(axis=1)
    twice = (attackers == 2).sum(axis=1)
    under_fire = (once >= _RING_SQUARES) | (twice >= _RING_TWICE)
    return under_fire & ~is_endgame(batch) & (np.abs(batch.line_n(0)) <= 2 * _OPEN_CP)


def has_weak_pawns(batch: WalkedPositions) -> NDArray[np.bool_]:
    """A side has at least three pawns that are isolated or doubled, and nothing is decided."""
    planes = batch.encoded.target("pawn_structure")
    weak = (planes[:, _ISOLATED] | planes[:, _DOUBLED])[:, None] & planes[:, :2]
    return (weak.sum(axis=(2, 3)).max(axis=1) >= _WEAK_PAWNS) & batch.open_n


def is_positional(batch: WalkedPositions) -> NDArray[np.bool_]:
    """Quiet middlegames: no check, no capture best, three moves within 75 centipawns.

    Neither side has won yet. With fewer than three moves there is no choice.
    """
    choice = batch.line_n(0) - batch.line_n(_CHOICES - 1) <= _CHOICE_CP
    middlegame = ~is_opening(batch) & ~is_endgame(batch)
    return choice & batch.open_n & middlegame & ~batch.in_check_n & ~batch.takes_n


def is_endgame(batch: WalkedPositions) -> NDArray[np.bool_]:
    """At most six men that are neither pawn nor king."""
    return batch.pieces_n <= _ENDGAME_PIECES


def is_tactical(batch: WalkedPositions) -> NDArray[np.bool_]:
    """One move is right: the next is worth at least a pawn less.

    It neither loses anyway nor wins whatever is played.
    """
    best_n, second_n = batch.line_n(0), batch.line_n(1)
    return (
        (best_n - second_n >= _ONLY_MOVE_CP) & (best_n >= _LOST_CP) & (second_n <= _WON_ANYWAY_CP)
    )


class Domain(NamedTuple):
    """Which positions of walks are taken."""

    name: str
    takes: Callable[[WalkedPositions], NDArray[np.bool_]]
    """Its docstring says which."""
    from_endgames: bool = False
    """Whether every other walk begins in an endgame of a random game."""


DOMAINS: tuple[Domain, ...] = (
    Domain("openings", is_opening),
    Domain("king_safety", is_king_attacked),
    Domain("weaknesses", has_weak_pawns),
    Domain("positional", is_positional),
    Domain("endgames", is_endgame, from_endgames=True),
    Domain("tactical", is_tactical),
)

"""Which positions are the same, which game a position is from, and on which side of the split.

Shapes: n positions.
"""

from collections.abc import Sequence
from hashlib import blake2b
from typing import NamedTuple

import numpy as np
from chess_engine import may_mirror, transform_fens
from numpy.typing import NDArray

UNCHANGED, MIRRORED, FLIPPED = 0, 1, 2
"""What is done to a position: bits of the engine's transforms."""
_COUNTERS = 2


class Identities(NamedTuple):
    """Positions as the engine writes them, and their digests."""

    fens: list[str]
    keys_n: NDArray[np.int64]
    """Of all but the clocks."""
    orbits_n: NDArray[np.int64]
    """The same for a position, its colour flip, and where there are no castling rights, their
    mirrors: for whatever augmentation can make of it."""


def identify(fens: Sequence[str]) -> Identities:
    """Return what tells positions apart.

    Raises:
        ValueError: a FEN is no legal position.
    """
    own = transform_fens([*fens], np.full(len(fens), UNCHANGED, np.uint8))
    mirrored = np.where(may_mirror(own), MIRRORED, UNCHANGED).astype(np.uint8)
    kinds = (mirrored, np.full_like(mirrored, FLIPPED), mirrored | FLIPPED)
    keys_n = _keys(own)
    images = [_keys(transform_fens(own, kind)) for kind in kinds]
    return Identities(own, keys_n, np.minimum.reduce([keys_n, *images]))


def game_number(game: str) -> int:
    """Return the number of a game from what names it: 64 bits, signed, the same everywhere."""
    return _digest(game)


def is_held_out(games_n: NDArray[np.int64], val_share: float) -> NDArray[np.bool_]:
    """Return which games are held out: about that share of all, whatever the others are."""
    return games_n.view(np.uint64) / 2.0**64 < val_share


def _keys(fens: list[str]) -> NDArray[np.int64]:
    return np.array([_digest(fen.rsplit(" ", _COUNTERS)[0]) for fen in fens], np.int64)


def _digest(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little", signed=True)

"""Positions with their labels: one by one as a source finds them, in columns as they are kept.

Shapes: n positions, c characters of all FENs, e policy entries of all positions.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
from chess_engine import policy_indices
from numpy.typing import NDArray

from pawn_core.data.sequences import ranges
from pawn_core.positions.identity import game_number, identify

_CUMULATED = ("fen_ends_n", "policy_ends_n")


@dataclass(frozen=True)
class LabelledPosition:
    """A position and what is said of it.

    Raises:
        ValueError: a label is outside its range.
    """

    fen: str
    game: str
    """What it comes from, in words that are the same wherever that game is read: such as its moves.
    All positions of a game are on one side of the split."""
    policy: Mapping[str, float] | None = None
    """Moves in UCI and their shares, which are scaled to a sum of 1. None: unlabelled."""
    value: float | None = None
    """Expected outcome for the side to move: 1 it wins, -1 it loses. None: unlabelled."""

    def __post_init__(self) -> None:
        if self.value is not None and not -1.0 <= self.value <= 1.0:
            raise ValueError(f"value {self.value} of {self.fen} is out of range; allowed: -1 to 1")
        shares = [*self.policy.values()] if self.policy else []
        if not all(0.0 <= share < math.inf for share in shares):
            raise ValueError(f"policy of {self.fen} has a share that is negative or not finite")
        if shares and not sum(shares):
            raise ValueError(f"policy of {self.fen} has shares that are all 0")


@dataclass(frozen=True)
class PositionColumns:
    """Some positions; `ends` are where the entries of each end among those of all."""

    fens_c: NDArray[np.uint8]
    """FENs in ASCII, one after the other."""
    fen_ends_n: NDArray[np.int64]
    policy_indices_e: NDArray[np.int16]
    """Moves that have a share, by the engine's policy index."""
    policy_probs_e: NDArray[np.float32]
    """Their shares; each position's sum to 1."""
    policy_ends_n: NDArray[np.int64]
    values_n: NDArray[np.float32]
    """Expected outcome for the side to move, -1 to 1; NaN where unlabelled."""
    games_n: NDArray[np.int64]
    """Number of the game that each is from."""
    keys_n: NDArray[np.int64]
    """Digest of each position, whatever its clocks."""
    orbits_n: NDArray[np.int64]
    """Digest that it shares with what augmentation makes of it."""

    @classmethod
    def of(cls, records: Sequence[LabelledPosition]) -> "PositionColumns":
        """Return positions as columns.

        Raises:
            ValueError: a FEN is no legal position, or a move is not legal in it.
        """
        identities = identify([record.fen for record in records])
        policies = [record.policy or {} for record in records]
        indices_e, offsets = policy_indices(identities.fens, [[*policy] for policy in policies])
        fens = [fen.encode("ascii") for fen in identities.fens]
        shares = [share / math.fsum(p.values()) for p in policies for share in p.values()]
        values = [math.nan if record.value is None else record.value for record in records]
        return cls(
            fens_c=np.frombuffer(b"".join(fens), np.uint8),
            fen_ends_n=np.cumsum([len(fen) for fen in fens], dtype=np.int64),
            policy_indices_e=indices_e,
            policy_probs_e=np.array(shares, np.float32),
            policy_ends_n=offsets[1:],
            values_n=np.array(values, np.float32),
            games_n=np.array([game_number(record.game) for record in records], np.int64),
            keys_n=identities.keys_n,
            orbits_n=identities.orbits_n,
        )

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the columns by name."""
        return {f.name: np.ascontiguousarray(getattr(self, f.name)) for f in fields(self)}

    @classmethod
    def none(cls) -> "PositionColumns":
        """Return no position."""
        return cls.of([])

    @classmethod
    def joined(cls, parts: Sequence["PositionColumns"]) -> "PositionColumns":
        """Return the positions of several, one after the other."""
        columns = {f.name: [getattr(part, f.name) for part in parts] for f in fields(cls)}
        for name in _CUMULATED:
            before = np.cumsum([0, *(int(ends[-1:].sum()) for ends in columns[name])])
            columns[name] = [e + start for e, start in zip(columns[name], before, strict=False)]
        return cls(**{name: np.concatenate(arrays) for name, arrays in columns.items()})

    def __len__(self) -> int:
        """Return the number of positions."""
        return len(self.values_n)

    @cached_property
    def has_policy_n(self) -> NDArray[np.bool_]:
        """Whether each has a policy label."""
        return np.diff(self.policy_ends_n, prepend=0) > 0

    @cached_property
    def has_value_n(self) -> NDArray[np.bool_]:
        """Whether each has a value label."""
        return ~np.isnan(self.values_n)

    def take(self, rows: NDArray[np.int64]) -> "PositionColumns":
        """Return some of the positions, in that order."""
        characters, fen_ends_n = _entries(self.fen_ends_n, rows)
        entries, policy_ends_n = _entries(self.policy_ends_n, rows)
        return PositionColumns(
            fens_c=self.fens_c[characters],
            fen_ends_n=fen_ends_n,
            policy_indices_e=self.policy_indices_e[entries],
            policy_probs_e=self.policy_probs_e[entries],
            policy_ends_n=policy_ends_n,
            values_n=self.values_n[rows],
            games_n=self.games_n[rows],
            keys_n=self.keys_n[rows],
            orbits_n=self.orbits_n[rows],
        )

    def fens(self) -> list[str]:
        """Return the FENs."""
        text, ends = self.fens_c.tobytes().decode("ascii"), self.fen_ends_n.tolist()
        return [text[begin:end] for begin, end in zip([0, *ends], ends, strict=False)]


def _entries(
    ends_n: NDArray[np.int64], rows: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return where the entries of some rows are, and where each row's end among those."""
    starts_n = np.where(rows > 0, ends_n[rows - 1], 0)
    counts_n = ends_n[rows] - starts_n
    return ranges(starts_n, counts_n), np.cumsum(counts_n)

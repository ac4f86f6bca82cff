"""Positions of random games by what is special about them, as many of each kind as asked for.

Shapes: n positions, t tokens of the longest game, e entries (position, token).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import chess_engine
import numpy as np
from chess_engine import EDGE_CASES, DiagnosticSets, Vocabulary
from numpy.typing import NDArray

from pawn_core.signals import StopFlag
from pawn_core.validation.positions import NextTokens, joined

_GAMES_A_SEARCH = 4096  # games looked at between two questions whether to stop
FILES = "abcdefgh"
"""Of the board: flags of a kind that has one for each file end in them."""

Cell = tuple[str, int]
"""A flag of the engine and the side to move, 0 white, 1 black."""


class Category(NamedTuple):
    """A kind of position."""

    name: str
    flags: tuple[str, ...]
    """Flags of the engine, `EDGE_CASES`, any of which makes a position one of the kind."""
    over: bool = False
    """Whether the game is over there, so that PAD is due."""

    def quota(self, positions: int) -> dict[Cell, int]:
        """Return the positions of each flag and side, as equal as whole numbers can be."""
        cells = [(flag, side) for flag in self.flags for side in (0, 1)]
        whole, rest = divmod(positions, len(cells))
        return {cell: whole + (index < rest) for index, cell in enumerate(cells)}


def _wings(name: str) -> tuple[str, str]:
    return f"castling_kingside_{name}", f"castling_queenside_{name}"


CATEGORIES = (
    Category("in_check", ("check",)),
    Category("double_check", ("double_check",)),
    Category("pin_restricts", ("pin_restricts",)),
    Category("en_passant", ("en_passant",)),
    Category("castling_kingside", ("castling_kingside",)),
    Category("castling_queenside", ("castling_queenside",)),
    Category("castling_blocked_by_check", _wings("blocked_by_check")),
    Category("castling_blocked_by_attack", _wings("blocked_by_attack")),
    Category("castling_lost_at_home", _wings("lost_at_home")),
    Category("castling_lost", _wings("lost")),
    Category("promotion", ("promotion",)),
    Category("checkmate", ("checkmate",), over=True),
    Category("stalemate", ("stalemate",), over=True),
    Category("seventy_five_moves", ("seventy_five_moves",), over=True),
    Category("fivefold_repetition", ("fivefold_repetition",), over=True),
    Category("insufficient_material", ("insufficient_material",), over=True),
)
"""The ten of the model card of PAWN-Base, and the others that the engine tells."""


@dataclass(frozen=True)
class DiagnosticPositions:
    """Positions as columns, each kind's by flag, side and game."""

    flags_n: NDArray[np.uint64]
    """The bit of `EDGE_CASES` that each was taken for."""
    sides_n: NDArray[np.int8]
    games_n: NDArray[np.uint64]
    """Each position's game under the seed."""
    outcomes_n: NDArray[np.int16]
    """Outcome token of that game."""
    lengths_n: NDArray[np.int32]
    """Plies before the position."""
    tokens_nt: NDArray[np.int16]
    """The moves that lead to it, PAD behind."""
    next_tokens: NextTokens
    games_searched: int
    """Games that were looked at for all of them."""

    def of(self, category: Category, positions: int) -> NDArray[np.int64]:
        """Return the rows of a kind's positions: `positions` of them, or fewer than were found."""
        rows = [self._rows(cell, n) for cell, n in category.quota(positions).items()]
        return np.concatenate(rows)

    def flags_of(self, rows: NDArray[np.int64], vocabulary: str) -> NDArray[np.uint64]:
        """Return everything that the engine flags at some positions, sums of `EDGE_CASES`."""
        parts = [np.empty(0, np.uint64)]
        for begin in range(0, len(rows), _GAMES_A_SEARCH):
            part = rows[begin : begin + _GAMES_A_SEARCH]
            lengths = self.lengths_n[part]
            flags = chess_engine.compute_edge_case_flags(
                self.tokens_nt[part], lengths, vocabulary=vocabulary
            )
            parts.append(flags.after[np.arange(len(part)), lengths - 1])
        return np.concatenate(parts)

    def _rows(self, cell: Cell, most: int) -> NDArray[np.int64]:
        flag, side = cell
        taken_for = self.flags_n == np.uint64(EDGE_CASES[flag])
        return np.flatnonzero(taken_for & (self.sides_n == side))[:most]


class PositionGames(NamedTuple):
    """Which random games to look for positions in."""

    seed: int
    most: int
    """Games to look at before giving up."""
    max_ply: int
    vocabulary: Vocabulary
    threads: int | None = None


def collect(games: PositionGames, positions: int, stop: StopFlag) -> DiagnosticPositions:
    """Return the first positions of each of `CATEGORIES`, `positions` of a kind.

    A game gives at most one for a flag and side. Rare kinds may have fewer than asked for in the
    games that may be looked at.

    Raises:
        Interrupted: the run was asked to stop.
    """
    missing = dict(_quotas(positions))
    parts, searched = [], 0
    for first in range(0, games.most, _GAMES_A_SEARCH):
        stop.check()
        if not any(missing.values()):
            break
        sets = _search(games, missing, first)
        searched += sets.n_games
        parts.append(_columns(sets, _first_missing(sets, missing), games))
    return _joined(parts, searched)


def _quotas(positions: int) -> Iterator[tuple[Cell, int]]:
    for category in CATEGORIES:
        yield from category.quota(positions).items()


def _search(games: PositionGames, missing: Mapping[Cell, int], first: int) -> DiagnosticSets:
    most = {flag: max(missing[flag, 0], missing[flag, 1]) for flag, _ in missing}
    return chess_engine.generate_diagnostic_sets(
        most,
        seed=games.seed,
        first_game=first,
        max_games=min(_GAMES_A_SEARCH, games.most - first),
        max_ply=games.max_ply,
        vocabulary=games.vocabulary.name,
        threads=games.threads,
    )


def _first_missing(sets: DiagnosticSets, missing: dict[Cell, int]) -> NDArray[np.int64]:
    """Return the rows that are still missing, and count them as no longer so."""
    rows = []
    for (flag, side), count in missing.items():
        taken_for = sets.flags == np.uint64(EDGE_CASES[flag])
        of_cell = np.flatnonzero(taken_for & (sets.side_to_move == side))[:count]
        missing[flag, side] -= len(of_cell)
        rows.append(of_cell)
    return np.concatenate(rows)


def _columns(sets: DiagnosticSets, rows: NDArray[np.int64], games: PositionGames) -> dict[str, Any]:
    tokens_nt = np.full((len(rows), games.max_ply), games.vocabulary.pad, dtype=np.int16)
    tokens_nt[:, : sets.tokens.shape[1]] = sets.tokens[rows]
    return {
        "flags_n": sets.flags[rows],
        "sides_n": sets.side_to_move[rows],
        "games_n": sets.games[rows],
        "outcomes_n": sets.outcomes[rows],
        "lengths_n": sets.lengths[rows],
        "tokens_nt": tokens_nt,
        "next_tokens": NextTokens(sets.legal_offsets, sets.legal_values).take(rows),
    }


def _joined(parts: list[dict[str, Any]], searched: int) -> DiagnosticPositions:
    names = [f.name for f in fields(DiagnosticPositions) if f.name.endswith(("_n", "_nt"))]
    columns = {name: np.concatenate([part[name] for part in parts]) for name in names}
    sets = [part["next_tokens"] for part in parts]
    return DiagnosticPositions(**columns, next_tokens=joined(sets), games_searched=searched)

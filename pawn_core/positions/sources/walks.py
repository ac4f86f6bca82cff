"""Games that a chess program plays against itself for variety: every position of them is analysed.

A move is drawn from those that the program compared, by what they are worth; now and then it is any
legal move, so that there is something to punish. Walk i of a seed is the same again: it depends on
the seed, i and what the program finds, never on the other walks. The domains share them, and the
cache of analyses makes a walk of another domain cost next to nothing.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import chess_engine

from pawn_core.positions.values import policy_of_centipawns
from pawn_core.tasks.analysis import Analysis, Analyst

START = "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - 0 1"
_OPENING_PLIES = 6
_OPENING_SLIPS, _SLIPS = 0.35, 0.12
"""Probability of any legal move, in the first plies and later."""
_TEMPERATURE_CP = 50.0
_MOST_PLIES = 160
_DECIDED_CP = 1000
_ENDGAME_MEN = (4, 5, 6, 8, 10, 12)
_ENDGAME_PLIES = 400
"""Of the random games in which endgames are looked for."""


class WalkedPosition(NamedTuple):
    """A position of a walk, and what the program found in it."""

    game: str
    """Names the walk."""
    ply: int
    """Moves made since the starting position; of endgames, since the position drawn."""
    fen: str
    analysis: Analysis


@dataclass
class Walk:
    """A game as it is played."""

    game: str
    rng: random.Random
    fen: str
    ply: int = 0

    def choose(self, analysis: Analysis) -> str:
        """Return the move that is played."""
        slips = _OPENING_SLIPS if self.ply < _OPENING_PLIES else _SLIPS
        if self.rng.random() < slips:
            return self.rng.choice(chess_engine.legal_moves(self.fen))
        shares = policy_of_centipawns([cp for _, cp in analysis.lines], _TEMPERATURE_CP)
        return self.rng.choices(analysis.lines, shares.tolist())[0].uci

    def goes_on(self, analysis: Analysis) -> bool:
        """Return whether the game is open and short enough to be played on."""
        return self.ply < _MOST_PLIES and abs(analysis.lines[0].centipawns) < _DECIDED_CP


class Walks:
    """Walks of a seed, by number."""

    def __init__(self, analyst: Analyst, seed: int) -> None:
        self._analyst, self._seed = analyst, seed

    def from_start(self, numbers: Sequence[int]) -> tuple[list[WalkedPosition], int]:
        """Walk from the starting position; also return over how many positions the program failed.

        A walk ends where it failed.
        """
        begun = [self._walk("game", number, START) for number in numbers]
        return walked(self._analyst, begun, _choose)

    def from_endgames(self, numbers: Sequence[int]) -> tuple[list[WalkedPosition], int]:
        """Walk from positions of random games that have few men, a different number each."""
        begun = [self._walk("endgame", number, self._endgame(number)) for number in numbers]
        return walked(self._analyst, begun, _choose)

    def _walk(self, kind: str, number: int, fen: str) -> Walk:
        game = f"walk {self._seed} {kind} {number}"
        return Walk(game, random.Random(game), fen)

    def _endgame(self, number: int) -> str:
        men = _ENDGAME_MEN[number % len(_ENDGAME_MEN)]
        drawn = chess_engine.sample_positions(
            [number], seed=self._seed, max_ply=_ENDGAME_PLIES, men_max=men
        )
        return drawn.fens[0]


Chooser = Callable[[list[Walk], list[Analysis]], list[str]]
"""Says which moves are played in walks whose positions were analysed."""


def walked(
    analyst: Analyst, walks: list[Walk], choose: Chooser
) -> tuple[list[WalkedPosition], int]:
    """Play walks to their ends; return their positions, and over how many the program failed.

    A walk ends where the rules end it, where it is decided or long, and where the program failed.
    """
    positions, failed = [], 0
    while walks:
        analyses = analyst.analyses([walk.fen for walk in walks])
        pairs = [(w, found) for w, found in zip(walks, analyses, strict=True) if found is not None]
        failed += len(walks) - len(pairs)
        positions += [WalkedPosition(w.game, w.ply, w.fen, found) for w, found in pairs]
        going_on = [(w, found) for w, found in pairs if w.goes_on(found)]
        walks = [walk for walk, _ in going_on]
        walks = _played(walks, choose(walks, [found for _, found in going_on]))
    return positions, failed


def _choose(walks: list[Walk], analyses: list[Analysis]) -> list[str]:
    return [walk.choose(found) for walk, found in zip(walks, analyses, strict=True)]


def _played(walks: list[Walk], ucis: list[str]) -> list[Walk]:
    """Play a move in each walk; return those that are not over."""
    steps = chess_engine.step_environment([walk.fen for walk in walks], ucis)
    for walk, fen in zip(walks, steps.fens, strict=True):
        walk.fen, walk.ply = fen, walk.ply + 1
    return [walk for walk, over in zip(walks, steps.terminated, strict=True) if not over]

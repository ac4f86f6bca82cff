"""Games that look like people's: a chess program against itself, each side with a rating.

A player of a rating takes the move that seems best to it: what the program finds a move worth, plus
noise that falls with the rating. Ratings are nominal, but the higher one wins more. Game i of a
seed is the same again: nothing in it depends on other games, on time or on the number of workers.
"""

import math
import random
from dataclasses import dataclass, field
from typing import NamedTuple

import chess_engine
import numpy as np
from chess_engine import TERMINATIONS, BatchGames

from pawn_core.tasks.analysis.search_process import Line, SearchProcess

BOARD = chess_engine.export_move_vocabulary("searchless")
_CHECKMATE = TERMINATIONS.index("checkmate")
_PLY_LIMIT, _UNFINISHED = (TERMINATIONS.index(name) for name in ("ply_limit", "unfinished"))
_NEXT_ATTEMPT = 1 << 40  # between the addresses of a game's openings
_LONGEST = 600
_WORST_SLIP = 400
"""Noise in centipawns at which a program that compares no moves plays any move half the time."""
_PLAYS_ON = 0.3
"""Share of the players who never resign."""
_ABANDONS = 0.005
"""Share of the games that a player walks away from."""
_TO_DRAW_CP = 25
_DRAW_AFTER_PLIES = 50
_REACTION_S = 1.2


class TimeControl(NamedTuple):
    """Seconds a side has, and gets for each move."""

    base_s: int
    increment_s: int

    @property
    def speed(self) -> str:
        """What Lichess calls it, by the length of a game of 40 moves."""
        estimate = self.base_s + 40 * self.increment_s
        bounds = {"UltraBullet": 30, "Bullet": 180, "Blitz": 480, "Rapid": 1500}
        return next((name for name, s in bounds.items() if estimate < s), "Classical")

    def __str__(self) -> str:
        return f"{self.base_s}+{self.increment_s}"


class Wishes(NamedTuple):
    """What kind of games."""

    seed: int
    elo_min: int
    elo_max: int
    """Every rating is below it."""
    time_controls: tuple[TimeControl, ...]
    opening_plies: int
    """Random legal plies before the players choose."""
    bots: float
    """Share of the players that have the title BOT."""


class Ending(NamedTuple):
    """How a game ended."""

    result: str
    termination: str
    """As Lichess names it."""


@dataclass
class Side:
    """A player in one game."""

    name: str
    elo: int
    bot: bool
    clock_s: float
    resigns_cp: float
    """Resigns where its best move is worth less, twice in a row."""
    lost_moves: int = 0

    @property
    def noise_cp(self) -> float:
        """Scale of the noise in what moves seem worth: 300 at 600, half of it every 400 points."""
        return 300 * 2 ** ((600 - self.elo) / 400)

    def choose(self, lines: list[Line], rng: random.Random) -> Line:
        """Return the move that seems best."""
        return max(lines, key=lambda line: line.centipawns + self.noise_cp * _gumbel(rng))

    def gives_up(self, best_cp: int) -> bool:
        """Say whether it resigns, which it thinks about once a move."""
        self.lost_moves = self.lost_moves + 1 if best_cp < self.resigns_cp else 0
        return self.lost_moves == 2


@dataclass
class EngineGame:
    """A game as it is played."""

    number: int
    time_control: TimeControl
    sides: tuple[Side, Side]
    """White and Black."""
    rng: random.Random
    draw_plies: int
    """Plies of an even game after which a draw is agreed."""
    abandoned_at: int | None
    ucis: list[str] = field(default_factory=list)
    clocks_s: list[float] = field(default_factory=list)
    """What the mover had left after each ply."""
    even_plies: int = 0
    board: BatchGames = field(default_factory=lambda: BatchGames(1, max_ply=_LONGEST, threads=1))

    @property
    def to_move(self) -> Side:
        """Whose turn it is."""
        return self.sides[len(self.ucis) % 2]

    @property
    def termination(self) -> int:
        """Index into `TERMINATIONS`."""
        return int(self.board.terminations[0])

    @property
    def tokens_p(self) -> np.ndarray:
        """The moves as "searchless" tokens."""
        return np.array([BOARD.move_ids[uci] for uci in self.ucis], dtype=np.int16)

    def play(self, uci: str, think_s: float) -> None:
        """Play a legal move; the first of each side takes no time."""
        side = self.to_move
        if len(self.ucis) >= 2:
            side.clock_s += self.time_control.increment_s - think_s
        self.board.apply(np.array([BOARD.move_ids[uci]], dtype=np.int16))
        self.ucis.append(uci)
        self.clocks_s.append(side.clock_s)

    def think_s(self) -> float:
        """Return how long the player thinks: a share of its time, but never less than it needs."""
        share = self.to_move.clock_s / 28 + 0.7 * self.time_control.increment_s
        return share * self.rng.lognormvariate(-0.3, 0.8) + _REACTION_S * self.rng.random()

    def loses(self, side: Side) -> str:
        """Return the result where a side loses."""
        return "0-1" if side is self.sides[0] else "1-0"


def play_game(program: SearchProcess, number: int, wishes: Wishes) -> tuple[EngineGame, Ending]:
    """Play a game of the seed."""
    game = _begin(number, wishes)
    program.new_game()
    while True:
        ending = _by_the_rules(game) or _ply(game, program)
        if ending is not None:
            return game, ending


def _begin(number: int, wishes: Wishes) -> EngineGame:
    rng = random.Random(f"{wishes.seed} {number}")
    time_control = rng.choice(wishes.time_controls)
    elo = rng.randrange(wishes.elo_min, wishes.elo_max)
    other = min(max(elo + round(rng.gauss(0, 60)), wishes.elo_min), wishes.elo_max - 1)
    sides = _side(elo, time_control, wishes, rng), _side(other, time_control, wishes, rng)
    abandoned_at = rng.randrange(2, 80) if rng.random() < _ABANDONS else None
    game = EngineGame(number, time_control, sides, rng, rng.randint(6, 24), abandoned_at)
    for token in _opening(number, wishes):
        game.play(BOARD.moves[token], game.think_s())
    return game


def _side(elo: int, time_control: TimeControl, wishes: Wishes, rng: random.Random) -> Side:
    name = "".join(rng.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=rng.randint(5, 14)))
    resigns_cp = -math.inf if rng.random() < _PLAYS_ON else -rng.uniform(400, 1400)
    bot = rng.random() < wishes.bots
    return Side(name, elo, bot, float(time_control.base_s), resigns_cp)


def _opening(number: int, wishes: Wishes) -> list[int]:
    """Return random legal moves after which the game goes on."""
    while wishes.opening_plies:
        games = chess_engine.generate_random_games(
            1, seed=wishes.seed, first_game=number, max_ply=wishes.opening_plies, threads=1
        )
        if games.terminations[0] == _PLY_LIMIT:
            return games.tokens[0].tolist()
        number += _NEXT_ATTEMPT
    return []


def _by_the_rules(game: EngineGame) -> Ending | None:
    if game.termination == _UNFINISHED:
        return None
    if game.termination == _CHECKMATE:
        return Ending(game.loses(game.to_move), "Normal")
    return Ending("1/2-1/2", "Normal")


def _ply(game: EngineGame, program: SearchProcess) -> Ending | None:
    """Let the player on turn do something: move, resign, agree to a draw, run out of time."""
    side, think_s = game.to_move, game.think_s()
    if len(game.ucis) == game.abandoned_at:
        return Ending(game.loses(side), "Abandoned")
    if think_s > side.clock_s:
        return _flag_fall(game)
    lines = program.search(game.ucis)
    best_cp = lines[0].centipawns
    if side.gives_up(best_cp):
        return Ending(game.loses(side), "Normal")
    game.even_plies = game.even_plies + 1 if abs(best_cp) <= _TO_DRAW_CP else 0
    if game.even_plies > game.draw_plies and len(game.ucis) > _DRAW_AFTER_PLIES:
        return Ending("1/2-1/2", "Normal")
    game.play(_move(game, program, lines), think_s)
    return None


def _move(game: EngineGame, program: SearchProcess, lines: list[Line]) -> str:
    """Return the player's move; of a program that compares none, now and then any legal one."""
    side = game.to_move
    slips = side.noise_cp / (side.noise_cp + _WORST_SLIP)
    if program.compares or game.rng.random() >= slips:
        return side.choose(lines, game.rng).uci
    return BOARD.moves[game.rng.choice(np.flatnonzero(game.board.legal_masks()[0]).tolist())]


def _flag_fall(game: EngineGame) -> Ending:
    """Return the end by time: a draw where the other side has nothing to mate with."""
    white = game.to_move is game.sides[1]
    placement = game.board.fens()[0].split()[0]
    others = [c for c in placement if c.isalpha() and c.isupper() == white]
    if "".join(sorted(others)).lower() not in ("k", "bk", "kn"):
        return Ending(game.loses(game.to_move), "Time forfeit")
    # Lichess has written either over the years.
    return Ending("1/2-1/2", game.rng.choice(["Insufficient material", "Time forfeit"]))


def _gumbel(rng: random.Random) -> float:
    return -math.log(-math.log(rng.random() or 0.5))

"""Pairs of games between two players: one opening, each side once.

Shapes: p pairs, b = 2 p games (game 2 i of a pair with the first player as White), t plies.
"""

from typing import NamedTuple

import chess_engine
import numpy as np
from chess_engine import TERMINATIONS
from numpy.typing import NDArray

from pawn_core.boards import Boards
from pawn_core.evaluation.generated.sampled_games import ENDINGS, ILLEGAL, SampledGames, judge
from pawn_core.evaluation.play.players import BOARD, Player
from pawn_core.signals import StopFlag

_NEXT_ATTEMPT = 1 << 40  # between the addresses of a pair's openings: no match has as many pairs
_CHECKMATE, _PLY_LIMIT = ENDINGS.index("checkmate"), TERMINATIONS.index("ply_limit")
_UNFINISHED = TERMINATIONS.index("unfinished")


class Rules(NamedTuple):
    """What all games of a match have in common."""

    seed: int
    """Of the openings."""
    opening_plies: int
    max_ply: int
    """Plies after which a game is cut: a draw."""


def opening(pair: int, rules: Rules) -> NDArray[np.int16]:
    """Return a pair's opening: random legal moves after which the game goes on."""
    number = pair
    while True:
        games = chess_engine.generate_random_games(
            1, seed=rules.seed, first_game=number, max_ply=rules.opening_plies
        )
        if games.terminations[0] == _PLY_LIMIT:
            return games.tokens[0]
        number += _NEXT_ATTEMPT


def play_pairs(
    players: tuple[Player, Player], pairs: range, rules: Rules, stop: StopFlag
) -> SampledGames:
    """Return both games of each pair.

    Raises:
        Interrupted: the run was asked to stop.
    """
    openings_pt = np.stack([opening(pair, rules) for pair in pairs])
    played_bt = np.repeat(openings_pt, 2, axis=0)
    first_is_white_b = np.arange(len(played_bt)) % 2 == 0
    numbers_b = 2 * (2 * pairs.start + np.arange(len(played_bt)))
    for slot, player in enumerate(players):
        player.begin(numbers_b + slot, first_is_white_b == (slot == 0))
    boards = Boards(len(played_bt), rules.max_ply, BOARD)
    for t in range(rules.opening_plies):
        boards.play(played_bt[:, t])
    while played_bt.shape[1] < rules.max_ply:
        stop.check()
        going_b = ~boards.forfeited_b & (boards.terminations_b == _UNFINISHED)
        if not going_b.any():
            break
        white_moves = played_bt.shape[1] % 2 == 0
        asked_b = first_is_white_b == white_moves
        tokens_b = _chosen(players, played_bt, boards, going_b, asked_b)
        boards.play(tokens_b)
        played_bt = np.hstack((played_bt, tokens_b[:, None]))
    return judge(played_bt, BOARD, rules.max_ply)


def _chosen(
    players: tuple[Player, Player],
    played_bt: NDArray[np.int16],
    boards: Boards,
    going_b: NDArray[np.bool_],
    first_moves_b: NDArray[np.bool_],
) -> NDArray[np.int16]:
    """Return each game's next token by the player that is to move, PAD where the game is over."""
    tokens_b = np.full(len(played_bt), BOARD.pad, dtype=np.int16)
    for player, moves_b in zip(players, (first_moves_b, ~first_moves_b), strict=True):
        asked_b = going_b & moves_b
        if asked_b.any():
            chosen_b = player.choose(played_bt, boards.legal_bv(), asked_b)
            tokens_b[asked_b] = chosen_b[asked_b]
    return tokens_b


def white_scores(endings_b: NDArray[np.uint8], lengths_b: NDArray[np.int32]) -> NDArray[np.float64]:
    """Return White's score of each game: a mate wins, an illegal token loses, all else is a draw.

    Lengths are legal plies, so they say whose turn it was at the end.
    """
    white_to_move_b = lengths_b % 2 == 0
    decided_b = (endings_b == _CHECKMATE) | (endings_b >= ILLEGAL)
    return np.where(decided_b, np.where(white_to_move_b, 0.0, 1.0), 0.5)

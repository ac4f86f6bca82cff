"""A model of positions plays legal moves by its policy, the same whatever is played beside."""

import chess
import chess_engine
import numpy as np
import pytest
import torch
from known_players import known_player
from position_weights import toy_model

from pawn_core.evaluation.generated.sampled_games import STOPPED
from pawn_core.evaluation.play.matches import Rules, play_pairs
from pawn_core.evaluation.play.players import BOARD, ModelPlayer, RandomPlayer
from pawn_core.evaluation.play.position_player import PositionPlayer
from pawn_core.position_model import PositionModel
from pawn_core.signals import StopFlag

RULES = Rules(seed=4, opening_plies=6, max_ply=40)
ENDGAME = Rules(seed=9, opening_plies=90, max_ply=130)  # promotions, checks, few men


@pytest.fixture(scope="module")
def model() -> PositionModel:
    return toy_model(seed=3)


def player(model: PositionModel, temperature: float = 1.0, masked: bool = True, seed: int = 1):
    return PositionPlayer(model, "model", temperature=temperature, masked=masked, seed=seed)


def play(first, second, pairs: range = range(4), rules: Rules = RULES):
    return play_pairs((first, second), pairs, rules, StopFlag())


@pytest.mark.parametrize("rules", [RULES, ENDGAME], ids=["opening", "endgame"])
def test_held_to_the_rules_it_plays_its_likeliest_legal_moves(model, rules) -> None:
    games = play(player(model, temperature=0.0), RandomPlayer(2, 300), range(2), rules)
    for row, length in zip(games.tokens_bp[::2], games.lengths_b[::2], strict=True):
        board = chess.Board()
        for ply, token in enumerate(row[:length]):
            if ply >= rules.opening_plies and board.turn == chess.WHITE:
                legal = [move.uci() for move in board.legal_moves]
                indices, _ = chess_engine.policy_indices([board.fen()], [legal])
                planes = chess_engine.encode_positions([board.fen()], targets=False).planes
                with torch.no_grad():
                    policy = model(torch.from_numpy(planes), tasks=()).policy[0]
                assert BOARD.moves[token] == legal[int(policy[indices.astype(int)].argmax())]
            board.push_uci(BOARD.moves[token])


def test_a_pair_is_the_same_in_any_block(model) -> None:
    together = play(player(model), RandomPlayer(2, 300))
    apart = play(player(model), RandomPlayer(2, 300), range(2, 4))
    np.testing.assert_array_equal(together.tokens_bp[4:], apart.tokens_bp)


def test_other_random_numbers_make_other_games(model) -> None:
    first, other = (play(player(model, seed=seed), RandomPlayer(2, 300)) for seed in (1, 2))
    assert (first.tokens_bp != other.tokens_bp).any()


def test_free_it_loses_by_an_index_that_is_no_legal_move(model) -> None:
    games = play(player(model, masked=False), RandomPlayer(2, 300))
    assert (games.endings_b == STOPPED).any()  # 4,672 indices, about thirty of them legal
    assert (games.refused_b == -1).all()  # an index is no token


def test_it_plays_a_model_of_moves(model) -> None:
    moves = known_player(legal=True, width=41)
    opponent = ModelPlayer(moves, "moves", temperature=1.0, masked=True, seed=5)
    games = play(player(model), opponent, range(2))
    assert (games.lengths_b > RULES.opening_plies).all()
    assert not (games.endings_b >= STOPPED).any()

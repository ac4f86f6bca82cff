"""A model of positions as a chess program: any position, and the same move each time."""

import chess
import chess_engine
import pytest
from position_weights import position_weights, toy_model

from pawn_core.uci.__main__ import load_model
from pawn_core.uci.game_positions import GamePosition
from pawn_core.uci.play_settings import PlaySettings
from pawn_core.uci.policy_games import PolicyGames

PROMOTION = "8/P6k/8/8/8/8/8/K7 w - - 0 1"


@pytest.fixture(scope="module")
def games() -> PolicyGames:
    return PolicyGames(toy_model(seed=3))


def test_it_chooses_among_the_allowed_moves_of_any_position(games) -> None:
    for fen in (chess.STARTING_FEN, PROMOTION, "7k/8/8/8/8/8/1q6/K7 w - - 0 1"):
        position, legal = GamePosition.parse(["fen", *fen.split()]), chess_engine.legal_moves(fen)
        for seed in range(4):
            choice = games.choose(position, legal, PlaySettings(seed=seed))
            assert choice.uci in legal
            assert choice.note == ""
            assert {uci for uci, _ in choice.policy} <= set(legal)
    allowed = ["a7a8n", "a1b1"]
    position = GamePosition.parse(["fen", *PROMOTION.split()])
    assert games.choose(position, allowed, PlaySettings()).uci in allowed


def test_the_likeliest_is_chosen_without_temperature_and_the_same_of_a_seed(games) -> None:
    position = GamePosition.parse(["startpos", "moves", "e2e4"])
    greedy = games.choose(position, position.legal, PlaySettings(temperature=0.0))
    assert greedy.uci == greedy.policy[0][0]
    hot = PlaySettings(temperature=50.0, seed=7)
    drawn = {games.choose(position, position.legal, hot._replace(game=n)).uci for n in range(12)}
    assert len(drawn) > 3
    again = [games.choose(position, position.legal, hot).uci for _ in range(2)]
    assert again[0] == again[1]


def test_its_weights_are_loaded_as_those_of_any_model(tmp_path) -> None:
    weights = position_weights(tmp_path / "weights", seed=3)
    chooser = load_model(str(weights), tmp_path, PlaySettings())
    assert isinstance(chooser, PolicyGames)

"""Games that end in checkmate: the first attempt at each address that does."""

import chess
import chess_engine as engine
import numpy as np
import pytest


def final_board(tokens: np.ndarray, length: int, moves: list[str]) -> chess.Board:
    board = chess.Board()
    for token in tokens[:length]:
        board.push_uci(moves[token])
    return board


@pytest.mark.parametrize("name", ["searchless", "coordinate"])
@pytest.mark.parametrize("side", [None, "white", "black"])
def test_every_game_ends_in_a_mate_by_the_side_asked_for(side: str | None, name: str):
    games = engine.generate_checkmate_games(30, seed=60, side=side, vocabulary=name)
    vocabulary = engine.export_move_vocabulary(name)
    winners = set()
    for i, length in enumerate(games.lengths):
        board = final_board(games.tokens[i], length, vocabulary.moves)
        assert board.is_checkmate()
        winner = "black" if board.turn else "white"
        winners.add(winner)
        assert games.outcomes[i] == vocabulary.outcomes[f"{winner}_checkmates"]
        assert (games.tokens[i, length:] == vocabulary.pad).all()
    assert winners == ({"white", "black"} if side is None else {side})
    assert {engine.TERMINATIONS[t] for t in games.terminations} == {"checkmate"}


def test_a_game_that_mates_at_once_is_the_random_game_of_its_address():
    plain = engine.generate_random_games(200, seed=61)
    mates = engine.generate_checkmate_games(200, seed=61)
    at_once = plain.terminations == engine.TERMINATIONS.index("checkmate")
    assert 10 < at_once.sum() < 60
    np.testing.assert_array_equal(mates.attempts == 1, at_once)
    np.testing.assert_array_equal(mates.tokens[at_once], plain.tokens[at_once])


def test_attempts_are_those_of_the_address_and_shared_by_both_sides():
    white, black, either = (
        engine.generate_checkmate_games(60, seed=62, side=side) for side in ("white", "black", None)
    )
    np.testing.assert_array_equal(np.minimum(white.attempts, black.attempts), either.attempts)
    first = np.where(white.attempts < black.attempts, white.lengths, black.lengths)
    np.testing.assert_array_equal(first, either.lengths)


def test_about_one_attempt_in_six_mates_and_a_boost_makes_it_more():
    # facts.md: 15.45 % of random games end in mate; 2000 games, five standard errors.
    attempts = engine.generate_checkmate_games(2000, seed=63).attempts
    rate = 2000 / attempts.sum()
    assert abs(rate - 0.1545) < 5 * rate * np.sqrt((1 - rate) / 2000)
    boosted = engine.generate_checkmate_games(200, seed=63, mate_boost=1.0).attempts
    assert boosted.mean() < 2


@pytest.mark.parametrize("threads", [2, 8])
def test_threads_and_batches_change_no_game(threads: int):
    arguments = {"seed": 64, "max_ply": 150, "mate_boost": 0.3, "legal_moves": True}
    whole = engine.generate_checkmate_games(40, **arguments, threads=1)
    parts = [
        engine.generate_checkmate_games(10, **arguments, first_game=i, threads=threads)
        for i in range(0, 40, 10)
    ]
    for field in ("tokens", "lengths", "attempts", "outcomes", "legal_values", "mating_values"):
        joined = np.concatenate([getattr(part, field) for part in parts])
        np.testing.assert_array_equal(joined, getattr(whole, field))


def test_the_shortest_mates_are_found():
    fools = engine.generate_checkmate_games(3, seed=65, max_ply=4)
    moves = engine.export_move_vocabulary().moves
    assert all(moves[token] == "d8h4" for token in fools.tokens[:, 3])
    assert (engine.generate_checkmate_games(3, seed=65, max_ply=5, side="white").lengths == 5).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"max_ply": 3}, "max_ply must be at least 4 with checkmates, got 3"),
        ({"max_ply": 3, "side": "black"}, "max_ply must be at least 4 with checkmates, got 3"),
        ({"max_ply": 4, "side": "white"}, "at least 5 with checkmates by white, got 4"),
        ({"side": "red"}, 'side must be one of: white, black, got "red"'),
        ({"mate_boost": 1.5}, "mate_boost must be a number in 0..=1, got 1.5"),
        ({"n_games": -1}, "n_games must be an integer in"),
    ],
)
def test_what_cannot_be_met_is_refused(arguments: dict, message: str):
    with pytest.raises(ValueError, match=message):
        engine.generate_checkmate_games(**{"n_games": 1, "seed": 1} | arguments)

"""Replay of recorded games."""

import chess_engine as engine
import numpy as np
import pytest

NAMES = ["searchless", "coordinate"]


def tokens_of(moves: str, width: int = 12, name: str = "searchless") -> np.ndarray:
    vocabulary = engine.export_move_vocabulary(name)
    row = [vocabulary.move_ids[m] for m in moves.split()]
    return np.array([row + [vocabulary.pad] * (width - len(row))], np.int16)


def ending(validation: engine.Validation, game: int = 0) -> str:
    return engine.TERMINATIONS[validation.terminations[game]]


@pytest.mark.parametrize("name", NAMES)
def test_generated_games_validate_to_what_generation_said(name: str):
    games = engine.generate_random_games(300, seed=20, mate_boost=0.3, vocabulary=name)
    validation = engine.validate_games(games.tokens, vocabulary=name)
    assert (validation.first_illegal == -1).all()
    for column in ("lengths", "terminations", "outcomes"):
        np.testing.assert_array_equal(getattr(validation, column), getattr(games, column))


@pytest.mark.parametrize("name", NAMES)
def test_a_corrupted_token_is_found_at_its_ply(name: str):
    games = engine.generate_random_games(200, seed=21, vocabulary=name, legal_moves=True)
    assert games.legal_values is not None
    assert games.legal_offsets is not None
    size = engine.export_move_vocabulary(name).size
    rng = np.random.default_rng(0)
    plies = rng.integers(0, games.lengths)
    starts = np.cumsum(games.lengths) - games.lengths
    for i, ply in enumerate(plies):
        row = starts[i] + ply
        legal = games.legal_values[games.legal_offsets[row] : games.legal_offsets[row + 1]]
        illegal = np.setdiff1d(np.arange(size), legal)
        games.tokens[i, ply] = rng.choice(illegal)
    validation = engine.validate_games(games.tokens, games.lengths, vocabulary=name)
    np.testing.assert_array_equal(validation.first_illegal, plies)
    assert set(validation.terminations) == {engine.TERMINATIONS.index("illegal_move")}
    assert set(validation.outcomes) == {-1}


@pytest.mark.parametrize("token", [-1, -32768, 1968, 1969, 1979, 1980, 32767])
def test_what_is_not_a_move_is_illegal(token: int):
    tokens = tokens_of("e2e4 e7e5 g1f3")
    tokens[0, 1] = token
    assert engine.validate_games(tokens).first_illegal.tolist() == [1]


def test_castling_is_the_kings_two_step():
    opening = "e2e4 e7e5 g1f3 g8f6 f1e2 f8e7"
    assert engine.validate_games(tokens_of(f"{opening} e1g1")).first_illegal.tolist() == [-1]
    assert engine.validate_games(tokens_of(f"{opening} e1h1")).first_illegal.tolist() == [6]


def test_a_promotion_needs_its_suffix():
    moves = "a2a4 b7b5 a4b5 a7a6 b5a6 b8c6 a6a7 h7h6"
    coordinate = tokens_of(f"{moves} a7b8", name="coordinate")
    assert engine.validate_games(coordinate, vocabulary="coordinate").first_illegal.tolist() == [8]
    assert engine.validate_games(tokens_of(f"{moves} a7a8q")).first_illegal.tolist() == [8]
    legal = tokens_of("a2a4 b7b5 a4b5 a7a6 b5a6 b8c6 a6a7 c6b8 a7b8n")
    assert engine.validate_games(legal).first_illegal.tolist() == [-1]


def test_fools_mate_is_a_black_checkmate_at_ply_four():
    validation = engine.validate_games(tokens_of("f2f3 e7e5 g2g4 d8h4"))
    assert ending(validation) == "checkmate"
    assert validation.outcomes[0] == engine.export_move_vocabulary().outcomes["black_checkmates"]
    assert validation.lengths.tolist() == [4]


def test_scholars_mate_is_a_white_checkmate_at_ply_seven():
    validation = engine.validate_games(tokens_of("e2e4 e7e5 f1c4 b8c6 d1h5 g8f6 h5f7"))
    assert validation.outcomes[0] == engine.export_move_vocabulary().outcomes["white_checkmates"]
    assert validation.lengths.tolist() == [7]


def test_mate_on_the_last_allowed_ply_is_a_mate():
    assert ending(engine.validate_games(tokens_of("f2f3 e7e5 g2g4 d8h4", width=4))) == "checkmate"
    assert ending(engine.validate_games(tokens_of("f2f3 e7e5 g2g4 a7a6", width=4))) == "ply_limit"


def test_the_fifth_occurrence_ends_the_game_and_the_third_does_not():
    shuffle = "g1f3 g8f6 f3g1 f6g8 "
    assert ending(engine.validate_games(tokens_of(shuffle * 3, 32))) == "unfinished"
    fifth = engine.validate_games(tokens_of(shuffle * 4, 32))
    assert ending(fifth) == "fivefold_repetition"
    assert fifth.outcomes[0] == engine.export_move_vocabulary().outcomes["draw_by_rule"]


def test_no_move_is_legal_after_the_end():
    beyond = tokens_of("g1f3 g8f6 f3g1 f6g8 " * 4 + "e2e4", 32)
    assert engine.validate_games(beyond).first_illegal.tolist() == [16]


def test_a_game_that_just_stops_is_unfinished():
    validation = engine.validate_games(tokens_of("e2e4"))
    assert ending(validation) == "unfinished"
    assert validation.outcomes.tolist() == [-1]


def test_padding_between_moves_is_an_illegal_move():
    tokens = tokens_of("e2e4 e7e5 g1f3")
    tokens[0, 1] = engine.export_move_vocabulary().pad
    validation = engine.validate_games(tokens)
    assert validation.first_illegal.tolist() == [1]
    assert validation.lengths.tolist() == [3]


def test_lengths_cut_games():
    tokens = np.repeat(tokens_of("e2e4 e7e5 a1h8"), 3, axis=0)
    validation = engine.validate_games(tokens, np.array([2, 3, 0], np.int32))
    assert validation.first_illegal.tolist() == [-1, 2, -1]


def test_no_games_and_no_plies_are_valid():
    assert engine.validate_games(np.zeros((0, 5), np.int16)).first_illegal.shape == (0,)
    assert engine.validate_games(np.zeros((3, 0), np.int16)).first_illegal.tolist() == [-1] * 3


@pytest.mark.parametrize(
    ("tokens", "lengths", "message"),
    [
        (np.zeros((3, 4)), None, r"tokens must be an int16 array .* got float64 array of shape"),
        (np.zeros(4, np.int16), None, r"tokens must be .* \(n_games, plies\), got int16 array"),
        ([[1, 2]], None, r"tokens must be an int16 array .* got <class 'list'>"),
        (None, None, "tokens must be an int16 array"),
        (np.zeros((4, 4), np.int16)[:, ::2], None, "tokens must be .*non-contiguous int16"),
        (np.zeros((4, 4), np.int16).T[:2].T, None, "tokens must be .*non-contiguous int16"),
        (np.zeros((2, 4), ">i2"), None, "tokens must be an int16 array"),
        (np.zeros((2, 4), np.int16), np.zeros(2, np.int64), "lengths must be an int32 array"),
        (np.zeros((2, 4), np.int16), np.zeros(3, np.int32), r"lengths must be of shape \(2,\)"),
        (np.zeros((2, 4), np.int16), np.array([1, 5], np.int32), r"got lengths\[1\] = 5"),
        (np.zeros((2, 4), np.int16), np.array([-1, 4], np.int32), r"got lengths\[0\] = -1"),
    ],
)
def test_bad_arrays_are_refused_by_name(tokens: object, lengths: object, message: str):
    with pytest.raises(ValueError, match=message):
        engine.validate_games(tokens, lengths)  # type: ignore[arg-type]

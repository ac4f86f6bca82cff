"""Flat games that come from elsewhere, checked move by move."""

import chess_engine as engine
import numpy as np
import pytest

GAMES = engine.generate_random_games(60, seed=23, mate_boost=0.3)
TOKENS = np.concatenate([row[:n] for row, n in zip(GAMES.tokens, GAMES.lengths, strict=True)])
OFFSETS = np.concatenate([[0], np.cumsum(GAMES.lengths)]).astype(np.int64)


@pytest.mark.parametrize("threads", [1, 2])
def test_whole_games_are_legal_with_the_outcomes_of_the_board(threads: int):
    checks = engine.check_flat_games(TOKENS, OFFSETS, threads=threads)
    assert (checks.first_illegal == -1).all()
    is_whole = GAMES.terminations != engine.TERMINATIONS.index("ply_limit")
    np.testing.assert_array_equal(checks.outcomes, np.where(is_whole, GAMES.outcomes, -1))


def test_damage_is_found_as_in_padded_games():
    rng = np.random.default_rng(24)
    tokens, padded = TOKENS.copy(), GAMES.tokens.copy()
    for i, ply in enumerate(rng.integers(0, GAMES.lengths)):
        tokens[OFFSETS[i] + ply] = padded[i, ply] = rng.integers(-5, 2000)
    checks = engine.check_flat_games(tokens, OFFSETS)
    validation = engine.validate_games(padded, GAMES.lengths)
    np.testing.assert_array_equal(checks.first_illegal, validation.first_illegal)
    lengths = np.where(checks.first_illegal < 0, GAMES.lengths, checks.first_illegal)
    starts = OFFSETS[:-1]
    for i in range(len(lengths)):
        part = np.array([0, lengths[i]]) + starts[i]
        assert engine.check_flat_games(tokens, part).digests[0] == checks.digests[i]


def test_a_game_that_goes_on_after_its_end_has_both_an_illegal_move_and_an_outcome():
    ids = engine.export_move_vocabulary().move_ids
    mate = [ids[m] for m in ["f2f3", "e7e5", "g2g4", "d8h4", "e2e4"]]
    checks = engine.check_flat_games(np.array(mate, np.int16), np.array([0, 5, 5]))
    outcome = engine.export_move_vocabulary().outcomes["black_checkmates"]
    assert (checks.first_illegal.tolist(), checks.outcomes.tolist()) == ([4, -1], [outcome, -1])


def test_games_of_a_slice_are_those_of_the_whole():
    part = engine.check_flat_games(TOKENS, OFFSETS[7:20])
    whole = engine.check_flat_games(TOKENS, OFFSETS)
    np.testing.assert_array_equal(part.digests, whole.digests[7:19])


@pytest.mark.parametrize(
    ("tokens", "offsets", "message"),
    [
        (TOKENS.astype(np.int32), OFFSETS, r"tokens must be an int16 array of shape \(plies,\)"),
        (GAMES.tokens, OFFSETS, "tokens must be an int16 array"),
        (TOKENS, OFFSETS.astype(np.int32), r"offsets must be an int64 array"),
        (TOKENS, OFFSETS[:0], r"offsets must be of shape \(n_games \+ 1,\), got shape \(0,\)"),
        (TOKENS, np.array([0, 5, 4]), r"never less than before, got offsets\[1\] = 5"),
        (TOKENS, np.array([-1, 4]), r"got offsets\[0\] = -1"),
        (TOKENS, np.array([0, TOKENS.size + 1]), "offsets must be in 0"),
    ],
)
def test_bad_arrays_are_refused_by_name(tokens: np.ndarray, offsets: np.ndarray, message: str):
    with pytest.raises(ValueError, match=message):
        engine.check_flat_games(tokens, offsets)

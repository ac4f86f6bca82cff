"""Random games against python-chess, move by move."""

import chess
import chess_engine as engine
import numpy as np
import pytest
from oracle import Game, Row, rows, tokens_of


def check(row: Row, max_ply: int, vocabulary: engine.Vocabulary) -> None:
    """Replay a generated game in python-chess and compare everything it claims."""
    game = Game()
    for ply in range(row.length):
        assert game.termination(max_ply) is None
        legal = tokens_of(game.board.generate_legal_moves(), vocabulary.move_ids)
        assert row.legal[ply].tolist() == legal
        if row.mating:
            mating = tokens_of(game.mating_moves(), vocabulary.move_ids)
            assert row.mating[ply].tolist() == mating
        assert row.tokens[ply] in legal
        game.push(chess.Move.from_uci(vocabulary.moves[row.tokens[ply]]))
    termination = game.termination(max_ply)
    assert row.termination == termination
    assert row.outcome == vocabulary.outcomes[game.outcome(row.termination)]
    assert (row.tokens[row.length :] == vocabulary.pad).all()


@pytest.mark.parametrize("times", [1, pytest.param(4, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    ("n_games", "max_ply", "mate_boost", "vocabulary"),
    [
        (60, 512, 0.0, "searchless"),
        (30, 512, 0.0, "coordinate"),
        (150, 90, 0.0, "searchless"),
        (150, 60, 0.0, "coordinate"),
        (40, 256, 0.5, "searchless"),
        (40, 200, 1.0, "coordinate"),
        (400, 12, 1.0, "searchless"),
    ],
)
def test_games_legal_sets_and_endings_are_those_of_python_chess(
    n_games: int, max_ply: int, mate_boost: float, vocabulary: str, times: int
):
    games = engine.generate_random_games(
        times * n_games,
        seed=2026,
        max_ply=max_ply,
        mate_boost=mate_boost,
        vocabulary=vocabulary,
        legal_moves=True,
    )
    tokens = engine.export_move_vocabulary(vocabulary)
    for row in rows(games):
        check(row, max_ply, tokens)


def test_arrays_have_the_documented_shapes_and_dtypes():
    games = engine.generate_random_games(5, seed=1, max_ply=64, mate_boost=0.5, legal_moves=True)
    n_rows = int(games.lengths.sum()) + 1
    assert games.legal_values is not None
    assert games.mating_values is not None
    expected = {
        "tokens": (np.int16, (5, 64)),
        "lengths": (np.int32, (5,)),
        "terminations": (np.uint8, (5,)),
        "outcomes": (np.int16, (5,)),
        "attempts": (np.int32, (5,)),
        "legal_values": (np.int16, (games.legal_values.size,)),
        "legal_offsets": (np.int64, (n_rows,)),
        "mating_values": (np.int16, (games.mating_values.size,)),
        "mating_offsets": (np.int64, (n_rows,)),
    }
    for name, (dtype, shape) in expected.items():
        array = getattr(games, name)
        assert (array.dtype, array.shape) == (dtype, shape), name
        assert array.flags.c_contiguous


def test_sets_are_returned_only_where_asked():
    plain = engine.generate_random_games(2, seed=1, mate_boost=0.5)
    assert plain.legal_values is None
    assert plain.mating_offsets is None
    unboosted = engine.generate_random_games(2, seed=1, legal_moves=True)
    assert unboosted.legal_offsets is not None
    assert unboosted.mating_values is None


def test_no_games_are_an_empty_batch():
    games = engine.generate_random_games(0, seed=1, legal_moves=True)
    assert games.tokens.shape == (0, 512)
    assert games.legal_offsets is not None
    assert games.legal_offsets.tolist() == [0]


def test_a_full_mate_boost_plays_a_mate_wherever_there_is_one():
    games = engine.generate_random_games(300, seed=4, mate_boost=1.0, legal_moves=True)
    mated = 0
    for row in rows(games):
        with_mate = [t for t, mating in enumerate(row.mating) if mating.size]
        assert with_mate in ([], [row.length - 1])
        mated += len(with_mate)
    assert mated == games.terminations.tolist().count(engine.TERMINATIONS.index("checkmate")) > 200


def test_mate_boost_plays_mates_at_its_rate():
    boost = 0.3
    games = engine.generate_random_games(2500, seed=5, mate_boost=boost, legal_moves=True)
    expected = variance = played = 0.0
    for row in rows(games):
        for t, mating in enumerate(row.mating):
            if mating.size:
                p = boost + (1 - boost) * mating.size / row.legal[t].size
                expected += p
                variance += p * (1 - p)
                played += row.tokens[t] in mating
    assert expected > 300
    assert abs(played - expected) < 4 * variance**0.5


def test_discarding_replaces_exactly_the_games_cut_by_the_limit():
    plain = engine.generate_random_games(200, seed=6, max_ply=300)
    kept = engine.generate_random_games(200, seed=6, max_ply=300, discard_ply_limit=True)
    cut = plain.terminations == engine.TERMINATIONS.index("ply_limit")
    assert 0 < cut.sum() < 200
    assert (kept.terminations != engine.TERMINATIONS.index("ply_limit")).all()
    np.testing.assert_array_equal(kept.tokens[~cut], plain.tokens[~cut])
    np.testing.assert_array_equal(kept.attempts > 1, cut)


def test_discarded_attempts_leave_no_legal_sets_behind():
    games = engine.generate_random_games(
        60, seed=6, max_ply=200, discard_ply_limit=True, legal_moves=True
    )
    assert games.attempts.max() > 1
    assert games.legal_offsets is not None
    assert games.legal_offsets.size == games.lengths.sum() + 1
    for row in rows(games):
        assert all(token in legal for token, legal in zip(row.tokens, row.legal, strict=False))


def test_fools_mate_is_what_four_plies_without_the_limit_leave():
    games = engine.generate_random_games(20, seed=7, max_ply=4, discard_ply_limit=True)
    outcomes = engine.export_move_vocabulary().outcomes
    assert (games.outcomes == outcomes["black_checkmates"]).all()
    assert (games.lengths == 4).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_games": -1}, r"n_games must be an integer in 0\.\.=.*, got -1"),
        ({"n_games": "ten"}, r"n_games must be an integer in .*, got 'ten'"),
        ({"n_games": 1.5}, r"n_games must be an integer in .*, got 1\.5"),
        ({"seed": -1}, r"seed must be an integer in 0\.\.=18446744073709551615, got -1"),
        ({"seed": 2**64}, "seed must be an integer"),
        ({"first_game": -1}, "first_game must be an integer"),
        ({"first_game": 2**63}, "first_game must be an integer"),
        ({"max_ply": 0}, r"max_ply must be an integer in 1\.\.=20000, got 0"),
        ({"max_ply": 20001}, "max_ply must be an integer"),
        ({"max_ply": 3, "discard_ply_limit": True}, "max_ply must be at least 4 with discard"),
        ({"mate_boost": float("nan")}, r"mate_boost must be a number in 0\.\.=1, got nan"),
        ({"mate_boost": -0.1}, "mate_boost must be a number"),
        ({"mate_boost": 1.1}, "mate_boost must be a number"),
        ({"mate_boost": float("inf")}, "mate_boost must be a number"),
        ({"mate_boost": "often"}, "mate_boost must be a number"),
        ({"threads": 0}, r"threads must be an integer in 1\.\.=1024, got 0"),
        ({"threads": 5000}, "threads must be an integer"),
    ],
)
def test_bad_arguments_are_refused_by_name(arguments: dict, message: str):
    with pytest.raises(ValueError, match=message):
        engine.generate_random_games(**{"n_games": 1, "seed": 0} | arguments)


def test_more_games_than_memory_are_refused():
    with pytest.raises(MemoryError, match=r"n_games x max_ply needs \d+ bytes"):
        engine.generate_random_games(2**31 - 1, seed=0, max_ply=20000)

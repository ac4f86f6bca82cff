"""Ceilings on accuracy, against python-chess and against cases where the answer is known."""

from collections.abc import Iterator

import chess
import chess_engine as engine
import numpy as np
import pytest
from oracle import Game


def immediate_outcome(game: Game, move: chess.Move, max_ply: int) -> str | None:
    """The outcome of the game if this move ends it."""
    after = Game()
    after.board, after.ply, after.seen = game.board.copy(stack=False), game.ply, game.seen.copy()
    after.push(move)
    end = after.termination(max_ply)
    return None if end is None else after.outcome(end)


def chances(
    games: engine.Games, max_ply: int, vocabulary: engine.Vocabulary
) -> Iterator[list[tuple[float, float]]]:
    """For each game, 1/N and 1/N' at each position before a move."""
    names = {token: name for name, token in vocabulary.outcomes.items()}
    for i in range(len(games.lengths)):
        outcome, game, row = names[int(games.outcomes[i])], Game(), []
        for token in games.tokens[i, : games.lengths[i]]:
            legal = list(game.board.legal_moves)
            ends = [immediate_outcome(game, move, max_ply) for move in legal]
            row.append((1 / len(legal), 1 / sum(end in (None, outcome) for end in ends)))
            game.push(chess.Move.from_uci(vocabulary.moves[token]))
        yield row


@pytest.mark.parametrize(("vocabulary", "max_ply"), [("searchless", 512), ("coordinate", 60)])
def test_unconditional_and_naive_ceilings_are_those_of_python_chess(vocabulary: str, max_ply: int):
    n_games = 3 if max_ply == 512 else 8
    found = engine.compute_accuracy_ceiling(
        n_games, seed=3, max_ply=max_ply, vocabulary=vocabulary, sample_rate=1.0, rollouts=0
    )
    games = engine.generate_random_games(n_games, seed=3, max_ply=max_ply, vocabulary=vocabulary)
    rows = list(chances(games, max_ply, engine.export_move_vocabulary(vocabulary)))
    moves = np.concatenate([np.array(row) for row in rows])
    later = np.concatenate([np.array(row)[1:, 0] for row in rows])
    ends = np.ones(n_games)
    assert (moves[:, 1] > moves[:, 0]).any()
    assert found.moves.n_positions == found.n_sampled == len(moves) == games.lengths.sum()
    assert found.prefixed.n_positions == len(moves) + n_games
    assert found.moves.naive_conditioned is not None
    assert found.prefixed.naive_conditioned is not None
    expected = [
        (found.moves.unconditional, moves[:, 0]),
        (found.moves.naive_conditioned, moves[:, 1]),
        (found.prefixed.unconditional, np.concatenate([moves[:, 0], ends])),
        (found.prefixed.naive_conditioned, np.concatenate([moves[:, 1], ends])),
        (found.pure_unconditional, np.concatenate([later, ends])),
    ]
    for estimate, values in expected:
        assert estimate.value == pytest.approx(values.mean(), rel=1e-9)


def test_the_mean_over_many_games_is_the_published_one():
    found = engine.compute_accuracy_ceiling(20_000, seed=11, sample_rate=0, threads=1)
    assert 0.0837 < found.moves.unconditional.value < 0.0847
    assert 0.0863 < found.pure_unconditional.value < 0.0873
    assert found.moves.naive_conditioned is None
    assert found.moves.mc_lower is None


@pytest.mark.slow
def test_fifty_thousand_games_have_the_published_mean_within_its_interval():
    """Accepted are 8.37 to 8.47 %; the model card has 8.41 to 8.45 of as many games."""
    found = engine.compute_accuracy_ceiling(50_000, seed=77777, sample_rate=0).moves
    assert 0.0837 < found.unconditional.low < found.unconditional.high < 0.0847
    assert found.n_positions == pytest.approx(50_000 * 350.8, rel=0.005)


def test_where_every_game_ends_alike_the_outcome_is_worth_nothing():
    """No game of three plies can end but by the limit: all ceilings are exactly 1/N."""
    found = engine.compute_accuracy_ceiling(30, seed=1, max_ply=3, sample_rate=1.0, rollouts=6)
    ceilings = found.moves
    for kind in (ceilings.naive_conditioned, ceilings.mc_lower, ceilings.mc_upper):
        assert kind is not None
        assert kind.value == pytest.approx(ceilings.unconditional.value, rel=1e-12)
    assert found.n_unresolved == 0


def as_tuples(found: engine.AccuracyCeiling) -> list[object]:
    estimates = [
        getattr(ceilings, kind)
        for ceilings in (found.moves, found.prefixed)
        for kind in ("unconditional", "naive_conditioned", "mc_lower", "mc_upper")
    ]
    return [(e.value, e.low, e.high) for e in [*estimates, found.pure_unconditional]]


def test_threads_change_nothing_and_the_seed_everything():
    arguments = {"sample_rate": 0.05, "rollouts": 4, "max_ply": 80, "resamples": 50}
    one, two = (engine.compute_accuracy_ceiling(24, seed=5, threads=n, **arguments) for n in (1, 2))
    other = engine.compute_accuracy_ceiling(24, seed=6, threads=1, **arguments)
    assert as_tuples(one) == as_tuples(two)
    assert all(a != b for a, b in zip(as_tuples(one), as_tuples(other), strict=True))


def test_games_computed_in_parts_give_the_ceilings_of_the_whole_bit_for_bit():
    rules = {"seed": 5, "rollouts": 4, "max_ply": 80}
    sampled = rules | {"sample_rate": 0.05}
    whole = engine.compute_accuracy_ceiling(24, **sampled, resamples=50)
    parts = [
        engine.compute_ceiling_sums(last - first, first_game=first, **sampled, threads=1)
        for first, last in [(0, 7), (7, 8), (8, 24)]
    ]
    assert [part.shape for part in parts] == [(7, 8), (1, 8), (16, 8)]
    together = engine.combine_ceiling_sums(np.concatenate(parts), **rules, resamples=50)
    assert as_tuples(together) == as_tuples(whole)
    assert (together.n_games, together.n_sampled) == (24, whole.n_sampled)
    assert together.moves.n_positions == whole.moves.n_positions


def test_what_a_game_adds_depends_on_its_index_alone():
    rules = {"seed": 9, "sample_rate": 0.1, "rollouts": 2, "max_ply": 60}
    alone = engine.compute_ceiling_sums(1, first_game=2**40, **rules)
    among = engine.compute_ceiling_sums(5, first_game=2**40 - 3, **rules)
    np.testing.assert_array_equal(alone[0], among[3])
    lengths = engine.generate_random_games(1, seed=9, first_game=2**40, max_ply=60).lengths
    assert alone[0, 0] == lengths[0]


@pytest.mark.parametrize(
    "sums",
    [np.zeros((3, 7)), np.zeros((0, 8)), np.zeros((2, 8), dtype=np.float32), np.zeros(8), [1.0]],
    ids=["columns", "rows", "dtype", "shape", "list"],
)
def test_rows_that_are_none_are_refused(sums: object):
    with pytest.raises(ValueError, match=r"sums must be a float64 array of shape \(n_games, 8\)"):
        engine.combine_ceiling_sums(sums, seed=0)


def test_the_default_ply_limit_is_that_of_the_vocabulary():
    limits = {
        name: engine.compute_accuracy_ceiling(1, seed=0, vocabulary=name, sample_rate=0).max_ply
        for name in ("searchless", "coordinate")
    }
    assert limits == {"searchless": 512, "coordinate": 256}


def test_intervals_cover_the_truth_at_their_rate():
    """Of 60 intervals of 95 %, 3 are expected to miss, and 10 or more one time in 700."""
    truth = engine.compute_accuracy_ceiling(20_000, seed=0, sample_rate=0, max_ply=100)
    misses = 0
    for seed in range(1, 61):
        e = engine.compute_accuracy_ceiling(
            100, seed=seed, sample_rate=0, max_ply=100, resamples=400
        ).moves.unconditional
        misses += not e.low <= truth.moves.unconditional.value <= e.high
    assert misses < 10


def test_progress_comes_on_the_calling_thread_and_reaches_the_end():
    heard: list[tuple[int, int]] = []
    engine.compute_accuracy_ceiling(
        40,
        seed=2,
        sample_rate=0.02,
        rollouts=4,
        max_ply=200,
        progress=lambda *seen: heard.append(seen),
    )
    assert heard[-1] == (40, 40)
    assert heard == sorted(set(heard))


@pytest.mark.parametrize("threads", [1, 2])
def test_what_progress_raises_ends_the_computation(threads: int):
    def refuse(done: int, n_games: int) -> None:
        raise TimeoutError(f"{done} of {n_games}")

    with pytest.raises(TimeoutError, match="of 100000"):
        engine.compute_accuracy_ceiling(100_000, seed=0, progress=refuse, threads=threads)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_games": 0}, r"n_games must be an integer in 1\.\.=10000000, got 0"),
        ({"rollouts": 7}, "rollouts must be even, got 7"),
        ({"sample_rate": 1.5}, r"sample_rate must be a number in 0\.\.=1, got 1\.5"),
        ({"sample_rate": float("nan")}, r"sample_rate must be a number in 0\.\.=1, got nan"),
        ({"resamples": 0}, r"resamples must be an integer in 1\.\.=100000, got 0"),
        ({"max_ply": 0}, r"max_ply must be an integer in 1\.\.=20000, got 0"),
        ({"vocabulary": "words"}, "vocabulary 'words'|vocabulary \"words\" is unknown"),
    ],
)
def test_bad_arguments_are_named(arguments: dict, message: str):
    with pytest.raises(ValueError, match=message):
        engine.compute_accuracy_ceiling(**{"n_games": 1, "seed": 0, **arguments})

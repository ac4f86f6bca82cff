"""Many games side by side, against python-chess."""

from concurrent.futures import ThreadPoolExecutor

import chess
import chess_engine as engine
import numpy as np
import pytest
from oracle import Game, tokens_of

NAMES = ["searchless", "coordinate"]
UNFINISHED = engine.TERMINATIONS.index("unfinished")
FENS = [
    chess.STARTING_FEN,
    "r3k2r/p1ppqpb1/bn2pnp1/3PN3/1p2P3/2N2Q1p/PPPBBPPP/R3K2R w KQkq - 0 1",
    "r3k2r/Pppp1ppp/1b3nbN/nP6/BBP1P3/q4N2/Pp1P2PP/R2Q1RK1 w kq - 0 1",
    "8/2p5/3p4/KP5r/1R3p1k/8/4P1P1/8 w - - 0 1",
    "rnbqkbnr/ppp1p1pp/8/3pPp2/8/8/PPPP1PPP/RNBQKBNR w KQkq f6 0 3",
    "8/8/8/8/k2Pp2Q/8/8/3K4 b - d3 0 1",
    "n1n5/PPPk4/8/8/8/8/4Kppp/5N1N b - - 0 1",
    "r3k2r/8/8/8/8/8/8/R3K2R b KQkq - 140 120",
    "8/8/8/8/8/5k2/5p2/5K2 w - - 0 40",
    "8/8/4k3/8/8/2B1K3/8/6n1 b - - 7 41",
    "k7/p1p5/P1P5/8/8/p1p5/P1P5/K7 w - - 0 1",
]


def draw(batch: engine.BatchGames, rng: np.random.Generator) -> np.ndarray:
    """One of the tokens that every game takes, each equally likely."""
    legal = batch.legal_tokens()
    picks = rng.integers(0, np.diff(legal.offsets))
    return legal.values[legal.offsets[:-1] + picks]


def play(batch: engine.BatchGames, plies: int, seed: int = 1) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(plies):
        batch.apply(draw(batch, rng))


def state(batch: engine.BatchGames) -> list:
    legal = batch.legal_tokens()
    columns = (batch.tokens, batch.lengths, batch.terminations, batch.outcomes, batch.side_to_move)
    return [*map(bytes, (*columns, batch.legal_masks(), legal.values, legal.offsets)), batch.fens()]


def assert_same(batch: engine.BatchGames, games: list[Game]) -> None:
    vocabulary = engine.export_move_vocabulary(batch.vocabulary)
    legal, masks = batch.legal_tokens(), batch.legal_masks()
    for i, (game, fen) in enumerate(zip(games, batch.fens(), strict=True)):
        end = game.termination(batch.max_ply)
        expected = [vocabulary.pad]
        if end is None:
            expected = tokens_of(game.board.legal_moves, vocabulary.move_ids)
        assert legal.values[legal.offsets[i] : legal.offsets[i + 1]].tolist() == expected, fen
        assert masks[i].nonzero()[0].tolist() == expected
        assert engine.TERMINATIONS[batch.terminations[i]] == (end or "unfinished")
        outcome = vocabulary.outcomes[game.outcome(end)] if end else -1
        assert batch.outcomes[i] == outcome
        assert fen == game.board.fen(en_passant="legal")
        assert (batch.lengths[i], batch.side_to_move[i]) == (game.ply, not game.board.turn)


@pytest.mark.parametrize("name", NAMES)
def test_every_ply_is_that_of_python_chess(name: str):
    fens = FENS * 4
    batch = engine.BatchGames(fens=fens, max_ply=90, vocabulary=name)
    games = [Game(fen) for fen in fens]
    moves = engine.export_move_vocabulary(name).moves
    rng = np.random.default_rng(5)
    while (batch.terminations == UNFINISHED).any():
        assert_same(batch, games)
        picked = draw(batch, rng)
        batch.apply(picked)
        for game, token in zip(games, picked, strict=True):
            if moves[token]:
                game.push(chess.Move.from_uci(moves[token]))
    assert_same(batch, games)
    assert len(set(batch.terminations)) > 3


@pytest.mark.parametrize("name", NAMES)
def test_a_replayed_batch_is_the_recorded_one(name: str):
    games = engine.generate_random_games(200, seed=60, max_ply=300, vocabulary=name)
    batch = engine.BatchGames(200, max_ply=300, vocabulary=name)
    for ply in range(300):
        batch.apply(np.ascontiguousarray(games.tokens[:, ply]))
    for column in ("tokens", "lengths", "terminations", "outcomes"):
        np.testing.assert_array_equal(getattr(batch, column), getattr(games, column))


def test_threads_change_nothing():
    batches = [engine.BatchGames(300, threads=threads) for threads in (1, 2, 8)]
    for batch in batches:
        play(batch, 60)
        batch.reset(np.arange(0, 300, 7))
        play(batch, 20)
    one, two, eight = map(state, batches)
    assert one == two == eight


def test_batches_of_several_python_threads_do_not_disturb_each_other():
    def played(seed: int) -> list:
        batch = engine.BatchGames(100)
        play(batch, 60, seed)
        return state(batch)

    with ThreadPoolExecutor(4) as pool:
        at_once = list(pool.map(played, range(4)))
    assert at_once == [played(seed) for seed in range(4)]


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        (318, r"e2g2|is not a legal move in"),
        (1968, "the game goes on, and PAD is for games that are over"),
        (1969, 'no move of vocabulary "searchless"'),
        (-1, 'no move of vocabulary "searchless"'),
    ],
)
def test_an_illegal_move_is_refused_and_none_is_played(token: int, reason: str):
    batch = engine.BatchGames(100)
    play(batch, 3)
    before = state(batch)
    moves = draw(batch, np.random.default_rng(2))
    moves[71] = moves[90] = token
    with pytest.raises(ValueError, match=rf"moves\[71\] = {token}: .*{reason}"):
        batch.apply(moves)
    assert state(batch) == before


def test_a_game_that_is_over_takes_nothing_but_padding():
    mated = "7k/6Q1/6K1/8/8/8/8/8 b - - 0 1"
    batch = engine.BatchGames(fens=[mated, chess.STARTING_FEN])
    with pytest.raises(ValueError, match=r"moves\[0\] = 317: the game is over \(checkmate\)"):
        batch.apply(np.array([317, 317], np.int16))
    batch.apply(np.array([1968, 317], np.int16))
    assert batch.lengths.tolist() == [0, 1]


def test_masks_overwrite_the_array_they_are_given():
    batch = engine.BatchGames(50)
    out = np.ones((50, 1980), bool)
    for _ in range(5):
        assert batch.legal_masks(out) is out
        np.testing.assert_array_equal(out, batch.legal_masks())
        play(batch, 7)
        out[3] = True


@pytest.mark.parametrize(
    "out",
    [
        np.zeros((50, 1980), np.uint8),
        np.zeros((49, 1980), bool),
        np.zeros((1980, 50), bool).T,
        np.zeros(50 * 1980, bool),
        np.broadcast_to(np.zeros(1980, bool), (50, 1980)),
        [[False]],
    ],
)
def test_masks_refuse_an_array_they_cannot_fill(out: object):
    expected = r"out must be a writable C-contiguous bool array of shape \(50, 1980\), got"
    with pytest.raises(ValueError, match=expected):
        engine.BatchGames(50).legal_masks(out)  # type: ignore[arg-type]


def test_a_read_only_array_is_not_written():
    out = np.zeros((50, 1980), bool)
    out.setflags(write=False)
    with pytest.raises(ValueError, match="out must be a writable"):
        engine.BatchGames(50).legal_masks(out)
    assert not out.any()


def test_chosen_games_begin_again_and_the_others_go_on():
    batch = engine.BatchGames(fens=FENS)
    fresh = batch.fens()
    play(batch, 30)
    played, tokens = batch.fens(), batch.tokens
    batch.reset(np.array([4, 1]))
    again = [i in (1, 4) for i in range(len(FENS))]
    expected = [f if new else p for f, p, new in zip(fresh, played, again, strict=True)]
    assert batch.fens() == expected
    assert (batch.tokens[again] == 1968).all()
    np.testing.assert_array_equal(batch.tokens[~np.array(again)], tokens[~np.array(again)])
    batch.reset()
    assert state(batch) == state(engine.BatchGames(fens=FENS))


@pytest.mark.parametrize(
    ("games", "message"),
    [
        (np.array([0, 3]), r"games must be below n_games = 3 and not negative, got games\[1\] = 3"),
        (np.array([-1]), r"got games\[0\] = -1"),
        (np.array([0], np.int32), r"games must be an int64 array of shape \(n,\)"),
        ([0], "games must be an int64 array"),
    ],
)
def test_games_to_reset_are_checked_first(games: object, message: str):
    batch = engine.BatchGames(3)
    play(batch, 3)
    with pytest.raises(ValueError, match=message):
        batch.reset(games)  # type: ignore[arg-type]
    assert batch.lengths.tolist() == [3, 3, 3]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, r"n_games must be given, and .* got None"),
        ({"n_games": -1}, "n_games must be an integer in 0"),
        (
            {"n_games": 2, "fens": FENS},
            r"the number of fens \(11\) if any, got 2",
        ),
        ({"fens": [FENS[0], "8/8 w"]}, r"fens must be legal chess positions, got fens\[1\]"),
        ({"n_games": 1, "max_ply": 0}, "max_ply must be an integer in 1"),
        ({"n_games": 1, "vocabulary": "words"}, "one of: searchless, coordinate"),
        ({"n_games": 1, "threads": 0}, "threads must be an integer in 1"),
    ],
)
def test_bad_arguments_are_refused(arguments: dict, message: str):
    with pytest.raises(ValueError, match=message):
        engine.BatchGames(**arguments)


@pytest.mark.parametrize(
    ("moves", "message"),
    [
        (
            np.zeros(3, np.int16),
            r"of shape \(2,\), one move a game, got shape \(3,\)",
        ),
        (np.zeros(2, np.int64), r"moves must be an int16 array of shape \(n_games,\)"),
        (np.zeros(4, np.int16)[::2], "non-contiguous"),
    ],
)
def test_moves_of_the_wrong_form_are_refused(moves: np.ndarray, message: str):
    with pytest.raises(ValueError, match=message):
        engine.BatchGames(2).apply(moves)


def test_a_batch_of_no_games_and_both_ways_to_count_them():
    none = engine.BatchGames(0)
    none.apply(np.zeros(0, np.int16))
    assert none.legal_masks().shape == (0, 1980)
    assert none.tokens.shape == (0, 512)
    assert engine.BatchGames(len(FENS), fens=FENS).fens() == engine.BatchGames(fens=FENS).fens()

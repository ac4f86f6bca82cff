"""Positions of random games collected by edge case and side."""

from collections import Counter, defaultdict

import chess
import chess_engine as engine
import numpy as np
import pytest

RULES = {"seed": 90, "max_ply": 200}
FIELDS = ("flags", "side_to_move", "games", "tokens", "lengths", "outcomes")
FIELDS += ("legal_values", "legal_offsets")
ENDINGS = ("checkmate", "stalemate", "seventy_five_moves", "fivefold_repetition")
ENDINGS += ("insufficient_material",)
Cell = tuple[int, int]


def cells(sets: engine.DiagnosticSets) -> list[Cell]:
    return list(zip(sets.flags.tolist(), sets.side_to_move.tolist(), strict=True))


def entries(sets: engine.DiagnosticSets) -> dict[Cell, list[tuple[int, int]]]:
    """The games and plies of each cell."""
    found = defaultdict(list)
    for cell, game, ply in zip(cells(sets), sets.games, sets.lengths, strict=True):
        found[cell].append((int(game), int(ply)))
    return found


def flags_until_the_end(games: engine.Games) -> np.ndarray:
    """The flags of every position, (n_games, plies + 1); of the last only what says it is over."""
    flags = engine.compute_edge_case_flags(games.tokens, games.lengths)
    every = np.concatenate([flags.before[:, :1], flags.after], axis=1)
    every[np.arange(len(every)), games.lengths] &= np.uint64(
        sum(engine.EDGE_CASES[name] for name in ENDINGS)
    )
    return every


def flagged(n_games: int) -> dict[Cell, dict[int, list[int]]]:
    """The plies of each game before which a cell's side has its flag, from the flags themselves."""
    every = flags_until_the_end(engine.generate_random_games(n_games, **RULES))
    found: dict[Cell, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    for bit in engine.EDGE_CASES.values():
        for game, ply in np.argwhere(every & np.uint64(bit)).tolist():
            found[bit, ply % 2][game].append(ply)
    return found


def test_each_cell_has_the_first_games_that_have_its_flag():
    quota = 5
    sets = engine.generate_diagnostic_sets(quota, **RULES, max_games=400)
    expected, found = flagged(400), entries(sets)
    missing = {}
    for name, bit in engine.EDGE_CASES.items():
        for side, color in enumerate(["white", "black"]):
            games = expected[bit, side]
            chosen = found[bit, side]
            assert [game for game, _ in chosen] == list(games)[:quota]
            assert all(ply in games[game] for game, ply in chosen)
            if len(chosen) < quota:
                missing[name, color] = quota - len(chosen)
    assert sets.unfilled == missing
    assert ("fivefold_repetition", "white") in missing
    assert len(missing) < 30
    assert sets.n_games == 400


def test_the_moves_of_a_position_are_those_of_its_game():
    sets = engine.generate_diagnostic_sets(3, **RULES, first_game=50, max_games=300)
    pad = engine.export_move_vocabulary().pad
    assert sets.tokens.shape[1] == sets.lengths.max()
    for tokens, length, game, side in zip(
        sets.tokens, sets.lengths, sets.games, sets.side_to_move, strict=True
    ):
        played = engine.generate_random_games(1, **RULES, first_game=int(game))
        np.testing.assert_array_equal(tokens[:length], played.tokens[0, :length])
        assert (tokens[length:] == pad).all()
        assert 50 <= game < 350
        assert length % 2 == side


def test_what_may_come_next_is_what_python_chess_says_and_pad_where_the_game_is_over():
    vocabulary = engine.export_move_vocabulary()
    sets = engine.generate_diagnostic_sets(2, **RULES, max_games=400)
    over = sum(engine.EDGE_CASES[name] for name in ENDINGS)
    assert len(sets.legal_offsets) == len(sets.games) + 1
    for i, (flag, length) in enumerate(zip(sets.flags, sets.lengths, strict=True)):
        board = chess.Board()
        for token in sets.tokens[i, :length]:
            board.push_uci(vocabulary.moves[token])
        expected = [vocabulary.move_ids[move.uci()] for move in board.legal_moves]
        expected = [vocabulary.pad] if int(flag) & over else sorted(expected)
        row = slice(sets.legal_offsets[i], sets.legal_offsets[i + 1])
        assert sets.legal_values[row].tolist() == expected
        assert length < 200 or int(flag) & over, "at the ply limit no move is due"


def test_a_mate_by_double_check_is_no_position_of_a_double_check():
    sets = engine.generate_diagnostic_sets(
        {"double_check": 40, "check": 40}, seed=4, max_ply=60, max_games=40_000
    )
    assert sets.unfilled == {}
    flags = engine.compute_edge_case_flags(sets.tokens, sets.lengths).after
    last = flags[np.arange(len(flags)), sets.lengths - 1]
    assert not (last & np.uint64(engine.EDGE_CASES["checkmate"])).any()
    assert (np.diff(sets.legal_offsets) >= 1).all()
    assert (sets.legal_values != engine.export_move_vocabulary().pad).all()


def test_an_outcome_is_that_of_the_whole_game():
    sets = engine.generate_diagnostic_sets({"check": 20}, **RULES)
    games = engine.generate_random_games(sets.n_games, **RULES)
    np.testing.assert_array_equal(sets.outcomes, games.outcomes[sets.games.astype(int)])


def test_positions_are_sorted_by_flag_side_and_game():
    sets = engine.generate_diagnostic_sets(4, **RULES, max_games=300)
    order = list(zip(cells(sets), sets.games.tolist(), strict=True))
    assert order == sorted(order)
    assert max(Counter(cells(sets)).values()) == 4


def test_the_search_stops_at_the_game_that_fills_the_last_quota():
    quota = {"double_check": 6, "castling_kingside": 2}
    sets = engine.generate_diagnostic_sets(quota, **RULES)
    assert sets.unfilled == {}
    assert len(sets.games) == 16
    assert sets.n_games == sets.games.max() + 1
    short = engine.generate_diagnostic_sets(quota, **RULES, max_games=sets.n_games - 1)
    assert sum(short.unfilled.values()) == 1


def test_a_position_does_not_depend_on_what_else_is_asked_for():
    everything = entries(engine.generate_diagnostic_sets(3, **RULES, max_games=500))
    alone = entries(engine.generate_diagnostic_sets({"double_check": 8}, **RULES, max_games=500))
    bit = engine.EDGE_CASES["double_check"]
    assert set(alone) == {(bit, 0), (bit, 1)}
    for cell, chosen in alone.items():
        assert chosen[:3] == everything[cell]


def test_every_position_of_a_game_may_be_taken():
    sets = engine.generate_diagnostic_sets({"check": 1500}, seed=91, max_ply=120)
    assert sets.unfilled == {}
    games = engine.generate_random_games(sets.n_games, seed=91, max_ply=120)
    in_check = (flags_until_the_end(games) & np.uint64(engine.EDGE_CASES["check"])) != 0
    ranks, variances = [], []
    for game, ply, side in zip(sets.games, sets.lengths, sets.side_to_move, strict=True):
        plies = np.flatnonzero(in_check[int(game)])
        plies = plies[plies % 2 == side]
        if len(plies) > 1:
            ranks.append(np.searchsorted(plies, ply) / (len(plies) - 1))
            variances.append((len(plies) + 1) / (12 * (len(plies) - 1)))
    # A uniform choice among n, scaled to 0..1, has mean 1/2 and variance (n + 1) / (12 (n - 1)).
    assert abs(np.mean(ranks) - 0.5) < 5 * np.sqrt(np.sum(variances)) / len(ranks)


@pytest.mark.parametrize("threads", [2, 8])
def test_threads_change_nothing(threads: int):
    one, many = (
        engine.generate_diagnostic_sets(4, **RULES, mate_boost=0.2, max_games=300, threads=n)
        for n in (1, threads)
    )
    for field in FIELDS:
        np.testing.assert_array_equal(getattr(one, field), getattr(many, field))
    assert (one.n_games, one.unfilled) == (many.n_games, many.unfilled)


def test_both_vocabularies_take_the_same_positions():
    ours, legacy = (
        engine.generate_diagnostic_sets(2, **RULES, max_games=200, vocabulary=name)
        for name in ("searchless", "coordinate")
    )
    assert entries(ours) == entries(legacy)


def test_nothing_asked_for_is_nothing_found():
    sets = engine.generate_diagnostic_sets(0, seed=1)
    assert (sets.n_games, sets.unfilled, len(sets.games)) == (0, {}, 0)
    assert sets.tokens.shape[0] == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"quota": -1}, "quota must be an integer in 0..=1000000, got -1"),
        ({"quota": "many"}, "quota must be an integer in 0..=1000000, got 'many'"),
        ({"quota": {"check": 1.5}}, "quota must be an integer in 0..=1000000, got 1.5"),
        ({"quota": {"zugzwang": 1}}, 'quota must be by names among check, .* got "zugzwang"'),
        ({"max_games": 0}, "max_games must be an integer in 1..="),
        ({"mate_boost": -0.5}, "mate_boost must be a number in 0..=1"),
    ],
)
def test_bad_arguments_are_refused(arguments: dict, message: str):
    with pytest.raises(ValueError, match=message):
        engine.generate_diagnostic_sets(**{"quota": 1, "seed": 1} | arguments)

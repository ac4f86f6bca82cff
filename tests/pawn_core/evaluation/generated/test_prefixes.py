"""Prefixes of games are what their source says, and random play goes on from them."""

import chess
import chess_engine
import numpy as np
import pytest

from pawn_core.config.conditioning import CASES, SOURCES, Cut, Source
from pawn_core.evaluation.generated.prefixes import find_prefixes, random_outcomes

VOCABULARY = chess_engine.export_move_vocabulary("searchless")
MOST, MAX_PLY, SEED = 12, 300, 6


def prefixes_of(source: Source, first_game: int = 0, most: int = MOST, max_ply: int = MAX_PLY):
    return find_prefixes(source, most, SEED, first_game, max_ply, VOCABULARY)


def board_after(tokens: np.ndarray, length: int) -> chess.Board:
    board = chess.Board()
    for token in tokens[:length]:
        board.push_uci(VOCABULARY.moves[token])
    return board


@pytest.mark.parametrize("source", SOURCES, ids=lambda s: f"{s.ending} {s.cut}")
def test_every_source_has_prefixes_that_go_on_unless_they_are_whole(source: Source) -> None:
    prefixes = prefixes_of(source)
    assert len(prefixes.lengths_b) == MOST
    for tokens, length in zip(prefixes.tokens_bp, prefixes.lengths_b, strict=True):
        board = board_after(tokens, length)
        assert board.is_game_over() == (source.cut.kind == "whole")
        assert set(tokens[length:]) <= {VOCABULARY.pad}
    if source.ending in VOCABULARY.outcomes:
        assert set(prefixes.outcomes_b) == {VOCABULARY.outcomes[source.ending]}


def test_cuts_are_as_long_as_they_say() -> None:
    assert set(prefixes_of(Source(None, Cut("plies", 20))).lengths_b) == {20}
    assert set(prefixes_of(Source(None, Cut("left", 10))).lengths_b) == {MAX_PLY - 10}
    random = chess_engine.generate_random_games(MOST, seed=SEED, max_ply=MAX_PLY)
    halves = prefixes_of(Source(None, Cut("share", 0.5)))
    np.testing.assert_array_equal(halves.lengths_b, random.lengths // 2)


def test_a_bare_white_king_cannot_mate() -> None:
    prefixes = prefixes_of(Source(None, Cut("bare_white_king")))
    for tokens, length in zip(prefixes.tokens_bp, prefixes.lengths_b, strict=True):
        board = board_after(tokens, length)
        assert board.occupied_co[chess.WHITE] == board.pieces_mask(chess.KING, chess.WHITE)
        board.pop()
        assert board.occupied_co[chess.WHITE] != board.pieces_mask(chess.KING, chess.WHITE)


def test_games_without_material_are_over() -> None:
    prefixes = prefixes_of(Source("insufficient_material", Cut("whole")))
    for tokens, length in zip(prefixes.tokens_bp, prefixes.lengths_b, strict=True):
        assert board_after(tokens, length).is_insufficient_material()


def test_what_no_game_has_is_not_prefixes_of() -> None:
    prefixes = prefixes_of(Source("stalemate", Cut("plies", 5)), max_ply=8)
    assert len(prefixes.lengths_b) == 0
    assert prefixes.prompts() == []


def test_random_play_goes_on_from_each_prefix_by_the_rules() -> None:
    bare = prefixes_of(Source(None, Cut("bare_white_king")))
    outcomes = random_outcomes(bare, 3, SEED, 0, VOCABULARY)
    assert outcomes.shape == (MOST, 3)
    assert (outcomes >= 0).all()
    assert VOCABULARY.outcomes["white_checkmates"] not in outcomes
    over = prefixes_of(Source("white_checkmates", Cut("whole")))
    assert set(random_outcomes(over, 2, SEED, 0, VOCABULARY).ravel()) == set(over.outcomes_b)
    half = prefixes_of(Source("draw_by_rule", Cut("share", 0.5)), most=100)
    same_prefix = random_outcomes(half, 2, SEED, 0, VOCABULARY)
    assert (same_prefix[:, 0] != same_prefix[:, 1]).any()


def test_random_play_from_the_start_is_that_of_the_engine() -> None:
    prefixes = prefixes_of(Source(None, Cut("plies", 0)), most=400)
    outcomes = random_outcomes(prefixes, 1, SEED, 0, VOCABULARY)
    random = chess_engine.generate_random_games(4000, seed=SEED + 1, max_ply=MAX_PLY)
    cut = VOCABULARY.outcomes["ply_limit"]
    share = (random.outcomes == cut).mean()
    deviation = (share * (1 - share) / 400) ** 0.5
    assert (outcomes == cut).mean() == pytest.approx(share, abs=4 * deviation)


def test_names_of_cases_are_their_own() -> None:
    names = [(case.test, case.name) for case in CASES]
    assert len(set(names)) == len(names)

"""Prefixes of games are what their source says, and random play goes on from them."""

import chess
import chess_engine
import numpy as np
import pytest

from pawn_core.config.conditioning import CASES, SOURCES, Cut, Source
from pawn_core.evaluation.prefixes import find_prefixes, random_continuations

VOCABULARY = chess_engine.export_move_vocabulary("searchless")
MOST, MAX_PLY, SEED = 12, 300, 6


def found(source: Source, first_game: int = 0, most: int = MOST, max_ply: int = MAX_PLY):
    return find_prefixes(source, most, SEED, first_game, max_ply, VOCABULARY)


def board_after(tokens: np.ndarray, length: int) -> chess.Board:
    board = chess.Board()
    for token in tokens[:length]:
        board.push_uci(VOCABULARY.moves[token])
    return board


@pytest.mark.parametrize("source", SOURCES, ids=lambda s: f"{s.ending} {s.cut}")
def test_every_source_has_prefixes_that_go_on_unless_they_are_whole(source: Source) -> None:
    prefixes = found(source)
    assert len(prefixes.lengths_b) == MOST
    for tokens, length in zip(prefixes.tokens_bp, prefixes.lengths_b, strict=True):
        board = board_after(tokens, length)
        assert board.is_game_over() == (source.cut.kind == "whole")
        assert set(tokens[length:]) <= {VOCABULARY.pad}
    if source.ending in VOCABULARY.outcomes:
        assert set(prefixes.outcomes_b) == {VOCABULARY.outcomes[source.ending]}


def test_cuts_are_as_long_as_they_say() -> None:
    assert set(found(Source(None, Cut("plies", 20))).lengths_b) == {20}
    assert set(found(Source(None, Cut("left", 10))).lengths_b) == {MAX_PLY - 10}
    random = chess_engine.generate_random_games(MOST, seed=SEED, max_ply=MAX_PLY)
    halves = found(Source(None, Cut("share", 0.5)))
    np.testing.assert_array_equal(halves.lengths_b, random.lengths // 2)


def test_a_bare_white_king_cannot_mate() -> None:
    prefixes = found(Source(None, Cut("bare_white_king")))
    for tokens, length in zip(prefixes.tokens_bp, prefixes.lengths_b, strict=True):
        board = board_after(tokens, length)
        assert board.occupied_co[chess.WHITE] == board.pieces_mask(chess.KING, chess.WHITE)
        board.pop()
        assert board.occupied_co[chess.WHITE] != board.pieces_mask(chess.KING, chess.WHITE)


def test_games_without_material_are_over() -> None:
    prefixes = found(Source("insufficient_material", Cut("whole")))
    for tokens, length in zip(prefixes.tokens_bp, prefixes.lengths_b, strict=True):
        assert board_after(tokens, length).is_insufficient_material()


def test_what_no_game_has_is_not_found() -> None:
    prefixes = found(Source("stalemate", Cut("plies", 5)), max_ply=8)
    assert len(prefixes.lengths_b) == 0
    assert prefixes.prompts() == []


def test_random_play_goes_on_from_each_prefix_by_the_rules() -> None:
    prefixes = found(Source("draw_by_rule", Cut("share", 0.5)))
    lengths, terminations, outcomes = random_continuations(prefixes, 3, SEED, 0, VOCABULARY)
    assert len(lengths) == len(terminations) == len(outcomes) == 3 * MOST
    assert (lengths >= np.repeat(prefixes.lengths_b, 3)).all()
    assert (outcomes >= 0).all()
    assert len(set(lengths.tolist())) > MOST / 2


def test_random_play_from_the_start_is_that_of_the_engine() -> None:
    prefixes = found(Source(None, Cut("plies", 0)), most=400)
    _, _, outcomes = random_continuations(prefixes, 1, SEED, 0, VOCABULARY)
    random = chess_engine.generate_random_games(4000, seed=SEED + 1, max_ply=MAX_PLY)
    cut = VOCABULARY.outcomes["ply_limit"]
    share = (random.outcomes == cut).mean()
    assert (outcomes == cut).mean() == pytest.approx(
        share, abs=4 * (share * (1 - share) / 400) ** 0.5
    )


def test_names_of_cases_are_their_own() -> None:
    names = [(case.test, case.name) for case in CASES]
    assert len(set(names)) == len(names)

"""Nothing that Python can pass makes the engine panic: it answers, or raises ValueError."""

import contextlib

import chess
import chess_engine as engine
import numpy as np
import pytest
from hypothesis import assume, given, reject, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

FENS = [
    chess.STARTING_FEN,
    "r3k2r/p1ppqpb1/bn2pnp1/3PN3/1p2P3/2N2Q1p/PPPBBPPP/R3K2R w KQkq - 0 1",
    "8/2p5/3p4/KP5r/1R3p1k/8/4P1P1/8 w - - 0 1",
    "rnbqkbnr/ppp1pppp/8/8/3pP3/8/PPPP1PPP/RNBQKBNR b KQkq e3 0 3",
]
FEN_LETTERS = "pnbrqkPNBRQK12345678/ -wbKQkqabcdefgh0123456789"


@st.composite
def damaged_fens(draw: st.DrawFn, most: int = 6) -> str:
    board = chess.Board(draw(st.sampled_from(FENS)))
    for choice in draw(st.lists(st.integers(0, 217), max_size=20)):
        if moves := list(board.legal_moves):
            board.push(moves[choice % len(moves)])
    letters = list(board.fen())
    for _ in range(draw(st.integers(0, most))):
        letters[draw(st.integers(0, len(letters) - 1))] = draw(st.sampled_from(FEN_LETTERS))
    return "".join(letters)


def any_tokens() -> st.SearchStrategy[np.ndarray]:
    shapes = arrays.array_shapes(min_dims=2, max_dims=2, min_side=0, max_side=12)
    return arrays.arrays(np.int16, shapes)


@given(st.one_of(damaged_fens(), st.text()), st.text(max_size=6))
@settings(max_examples=400, deadline=None)
def test_any_fen_is_read_or_refused(fen: str, uci: str):
    with contextlib.suppress(ValueError):
        moves = engine.legal_moves(fen)
        assert engine.perft(fen, 1) == len(moves)
        for move in moves:
            assert engine.perft(engine.apply(fen, move), 0) == 1
    with contextlib.suppress(ValueError):
        engine.apply(fen, uci)


@given(damaged_fens(most=2))
@settings(max_examples=400, deadline=None)
def test_positions_that_are_read_have_the_moves_of_python_chess(fen: str):
    try:
        moves, board = engine.legal_moves(fen), chess.Board(fen)
    except ValueError:
        reject()
    assume(board.is_valid())
    assert sorted(moves) == sorted(m.uci() for m in board.legal_moves)


@given(any_tokens(), st.sampled_from(["searchless", "coordinate"]))
@settings(max_examples=200, deadline=None)
def test_any_tokens_are_judged_or_refused(tokens: np.ndarray, vocabulary: str):
    validation = engine.validate_games(tokens, vocabulary=vocabulary, threads=1)
    assert (validation.first_illegal < np.maximum(validation.lengths, 1)).all()
    for call in (
        engine.extract_board_states,
        engine.compute_legal_token_masks_sparse,
        engine.tokens_to_pgn,
    ):
        with contextlib.suppress(ValueError):
            call(tokens, vocabulary=vocabulary, threads=1)


@given(st.text(alphabet='KQRBNabcdefgh12345678x+#=O-{}();$%*[]" .\n\\', max_size=200))
@settings(max_examples=300, deadline=None)
def test_any_text_is_read_as_pgn(text: str):
    report = engine.pgn_to_tokens(text).report
    assert report["kept"] <= report["read"]


def test_more_pieces_than_a_game_can_have_are_refused():
    queens = "QQQQQQQQ/QQQQQQQQ/QQQQQQQQ/k7/8/8/QQQQQQQQ/KQQQQQQQ w - - 0 1"
    with pytest.raises(ValueError, match="is not a legal chess position"):
        engine.legal_moves(queens)

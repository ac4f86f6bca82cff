"""Games as SAN and PGN, against python-chess."""

import io

import chess
import chess.pgn
import chess_engine as engine
import numpy as np
import pytest

MOVES = engine.export_move_vocabulary().moves


@pytest.fixture(scope="module")
def games() -> engine.Games:
    return engine.generate_random_games(60, seed=70, max_ply=180, mate_boost=0.6)


def test_san_is_that_of_python_chess(games: engine.Games):
    for tokens, length, san in zip(
        games.tokens, games.lengths, engine.tokens_to_san(games.tokens), strict=True
    ):
        board, expected = chess.Board(), []
        for token in tokens[:length]:
            move = chess.Move.from_uci(MOVES[token])
            expected.append(board.san(move))
            board.push(move)
        assert san == expected


@pytest.mark.parametrize(("castling", "chess960"), [("two_step", False), ("king_takes_rook", True)])
def test_uci_writes_castling_as_asked_for(castling: str, chess960: bool):
    played = engine.generate_random_games(300, seed=72, max_ply=60)
    words = engine.tokens_to_uci(played.tokens, castling=castling)
    n_castlings = 0
    for tokens, length, uci in zip(played.tokens, played.lengths, words, strict=True):
        board, expected = chess.Board(), []
        for token in tokens[:length]:
            move = chess.Move.from_uci(MOVES[token])
            n_castlings += board.is_castling(move)
            expected.append(board.uci(move, chess960=chess960))
            board.push(move)
        assert uci == expected
    assert n_castlings > 5
    with pytest.raises(ValueError, match="castling must be one of: two_step, king_takes_rook"):
        engine.tokens_to_uci(played.tokens, castling="fischer")


def test_pgn_is_read_back_by_python_chess_and_by_us(games: engine.Games):
    text = engine.tokens_to_pgn(games.tokens)
    assert max(map(len, text.splitlines())) <= 80
    stream = io.StringIO(text)
    for tokens, length in zip(games.tokens, games.lengths, strict=True):
        game = chess.pgn.read_game(stream)
        assert game is not None
        assert game.errors == []
        assert [m.uci() for m in game.mainline_moves()] == [MOVES[t] for t in tokens[:length]]
        board = game.end().board()
        assert game.headers["Result"] == board.result()
    ours = engine.pgn_to_tokens(text, max_ply=180)
    np.testing.assert_array_equal(ours.tokens, games.tokens)


def test_an_unfinished_game_has_no_result():
    tokens = engine.generate_random_games(1, seed=71, max_ply=3).tokens
    assert '[Result "*"]' in engine.tokens_to_pgn(tokens)
    assert engine.tokens_to_san(tokens[:, :0]) == [[]]

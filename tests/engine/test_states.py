"""Board states of recorded games, against python-chess."""

import chess
import chess_engine as engine
import numpy as np
import pytest

NAMES = ["searchless", "coordinate"]
ROLES = [chess.PAWN, chess.KNIGHT, chess.BISHOP, chess.ROOK, chess.QUEEN]
FIELDS = (
    "pieces",
    "side_to_move",
    "castling",
    "en_passant",
    "in_check",
    "halfmove_clock",
    "material",
    "phase",
)


def expected(board: chess.Board) -> dict:
    """What the columns say of a position, from python-chess."""
    pieces = np.zeros(64, np.int8)
    for square, piece in board.piece_map().items():
        pieces[square] = piece.piece_type + (0 if piece.color else 6)
    material = [[len(board.pieces(r, c)) for r in ROLES] for c in (chess.WHITE, chess.BLACK)]
    rights = "KQkq"
    castling = board.castling_xfen()
    return {
        "pieces": pieces,
        "side_to_move": 0 if board.turn else 1,
        "castling": sum(1 << rights.index(c) for c in castling if c != "-"),
        "en_passant": board.ep_square if board.has_legal_en_passant() else -1,
        "in_check": int(board.is_check()),
        "halfmove_clock": board.halfmove_clock,
        "material": material,
        "phase": min(24, int(np.sum(np.array(material) * [0, 1, 1, 2, 4]))),
    }


@pytest.mark.parametrize("name", NAMES)
def test_every_position_is_that_of_python_chess(name: str):
    games = engine.generate_random_games(25, seed=40, max_ply=220, vocabulary=name)
    moves = engine.export_move_vocabulary(name).moves
    states = engine.extract_board_states(games.tokens, games.lengths, vocabulary=name)
    for i, length in enumerate(games.lengths):
        board = chess.Board()
        for t in range(length):
            before, played = expected(board), board.push_uci(moves[games.tokens[i, t]])
            after = expected(board)
            assert played
            for field in FIELDS:
                assert np.array_equal(getattr(states.before, field)[i, t], before[field]), field
                assert np.array_equal(getattr(states.after, field)[i, t], after[field]), field


def test_nothing_is_said_after_the_end_of_a_game():
    games = engine.generate_random_games(20, seed=41, max_ply=300)
    states = engine.extract_board_states(games.tokens)
    for i, length in enumerate(games.lengths):
        for field in FIELDS:
            assert (getattr(states.after, field)[i, length:] == -1).all()
            assert (getattr(states.before, field)[i, length + 1 :] == -1).all()


def test_before_and_after_share_their_memory():
    states = engine.extract_board_states(engine.generate_random_games(3, seed=42).tokens)
    assert np.shares_memory(states.before.pieces, states.after.pieces)
    np.testing.assert_array_equal(states.before.pieces[:, 1:], states.after.pieces[:, :-1])


def test_legal_moves_are_counted_before_each_ply():
    games = engine.generate_random_games(100, seed=43, legal_moves=True)
    counts = engine.count_legal_moves(games.tokens)
    assert counts.shape == games.tokens.shape
    played = np.arange(512) < games.lengths[:, None]
    assert games.legal_offsets is not None
    np.testing.assert_array_equal(counts[played], np.diff(games.legal_offsets))
    assert (counts[~played] == -1).all()


@pytest.mark.parametrize(
    "call",
    [
        engine.extract_board_states,
        engine.count_legal_moves,
        engine.compute_legal_moves,
        engine.compute_legal_token_masks,
        engine.compute_legal_token_masks_sparse,
        engine.tokens_to_san,
        engine.tokens_to_pgn,
    ],
)
def test_an_illegal_move_is_refused_with_its_place(call: object):
    tokens = engine.generate_random_games(5, seed=44, max_ply=20).tokens
    tokens[3, 17] = 1979
    with pytest.raises(ValueError, match=r"tokens\[3, 17\] = 1979 is not a legal move"):
        call(tokens)  # type: ignore[operator]
    with pytest.raises(ValueError, match="tokens must be an int16 array"):
        call(tokens.astype(np.int32))  # type: ignore[operator]
    with pytest.raises(ValueError, match="lengths must be of shape"):
        call(tokens, np.zeros(4, np.int32))  # type: ignore[operator]

"""Positions and moves of the text tasks, against python-chess."""

from collections import Counter

import chess
import chess_engine as engine
import pytest

HARD = engine.sample_positions(range(300), seed=7, hard_ratio=1.0)


def strata_by_python_chess(board: chess.Board) -> set[str]:
    legal = list(board.legal_moves)
    own = chess.SquareSet(board.occupied_co[board.turn] & ~board.kings)
    shown = {
        "check": board.is_check(),
        "pin": any(board.is_pinned(board.turn, square) for square in own),
        "en_passant": any(board.is_en_passant(m) for m in legal),
        "castling": any(board.is_castling(m) for m in legal),
        "promotion": any(m.promotion for m in legal),
        "mate": any(after(board, m).is_checkmate() for m in legal),
        "stalemate": any(after(board, m).is_stalemate() for m in legal),
        "endgame": len(board.piece_map()) <= 7,
    }
    return {name for name, is_shown in shown.items() if is_shown}


def after(board: chess.Board, move: chess.Move) -> chess.Board:
    board = board.copy(stack=False)
    board.push(move)
    return board


def names(strata: int) -> set[str]:
    return {name for bit, name in enumerate(engine.STRATA) if strata >> bit & 1}


def test_the_strata_of_a_position_are_those_python_chess_shows():
    seen: Counter[str] = Counter()
    for fen, strata, men in zip(HARD.fens, HARD.strata, HARD.men, strict=True):
        board = chess.Board(fen)
        assert (board.is_valid(), board.is_game_over()) == (True, False)
        assert board.fen(en_passant="legal") == fen
        assert names(int(strata)) == strata_by_python_chess(board), fen
        assert len(board.piece_map()) == men
        seen.update(names(int(strata)))
    assert min(seen[name] for name in engine.STRATA) >= 15, seen


def test_the_history_leads_to_the_position():
    positions = engine.sample_positions(range(60), seed=3, max_ply=10)
    for fen, history, ply in zip(positions.fens, positions.histories, positions.plies, strict=True):
        board = chess.Board()
        for uci in history:
            board.push_uci(uci)
        assert (board.fen(en_passant="legal"), len(history)) == (fen, ply)


def test_a_position_does_not_depend_on_its_batch():
    numbers = [250, 3, 3, 99]
    some = engine.sample_positions(numbers, seed=7, hard_ratio=1.0)
    assert some.fens == [HARD.fens[i] for i in numbers]
    assert some.histories == [HARD.histories[i] for i in numbers]
    assert engine.sample_positions(numbers, seed=8, hard_ratio=1.0).fens != some.fens


def test_positions_keep_to_their_bounds():
    late = engine.sample_positions(
        range(40), seed=1, min_ply=60, max_ply=150, men_max=20, hard_ratio=0.5
    )
    assert ((late.plies >= 60) & (late.plies <= 150) & (late.men <= 20)).all()
    first = engine.sample_positions(range(3), seed=1, max_ply=0)
    assert first.fens == [chess.STARTING_FEN] * 3


def test_bounds_that_no_game_meets_are_refused():
    with pytest.raises(ValueError, match="men_max must be more in plies 0 to 3"):
        engine.sample_positions([0], seed=1, max_ply=3, men_max=8)
    with pytest.raises(ValueError, match="min_ply must be at most max_ply = 200, got 201"):
        engine.sample_positions([0], seed=1, min_ply=201)
    for numbers in ([-1], ["1"], "12", 3, [2**63]):
        with pytest.raises(ValueError, match="numbers must be"):
            engine.sample_positions(numbers, seed=1)  # type: ignore[arg-type]


def test_moves_asked_are_legal_or_of_an_illegal_kind():
    moves = engine.sample_moves(HARD.fens, range(300), seed=5, illegal_ratio=0.5)
    kinds: Counter[str] = Counter()
    for fen, uci, kind in zip(HARD.fens, moves.ucis, moves.kinds, strict=True):
        board, move = chess.Board(fen), chess.Move.from_uci(uci)
        assert board.is_legal(move) == (kind == -1), (fen, uci)
        if kind >= 0:
            name = engine.ILLEGAL_KINDS[kind]
            kinds[name] += 1
            assert is_of_kind(board, move, name), (fen, uci, name)
    assert kinds.keys() == set(engine.ILLEGAL_KINDS)
    assert 120 <= kinds.total() <= 180


def is_of_kind(board: chess.Board, move: chess.Move, kind: str) -> bool:
    piece = board.piece_at(move.from_square)
    if kind == "random":
        return True
    if piece is None:
        return False
    is_own, is_king = piece.color == board.turn, piece.piece_type == chess.KING
    leaves_check = board.is_pseudo_legal(move) and board.is_into_check(move)
    return {
        "pinned": leaves_check and not is_king and not board.is_check(),
        "ignores_check": leaves_check and not is_king and board.is_check(),
        "into_check": leaves_check and is_king,
        "castling": is_king and chess.square_distance(move.from_square, move.to_square) == 2,
        "en_passant": piece.piece_type == chess.PAWN and board.piece_at(move.to_square) is None,
        "promotion": piece.piece_type == chess.PAWN and is_own,
        "wrong_side": not is_own,
        "blocked": is_own and not board.is_pseudo_legal(move),
    }[kind]


def test_half_of_the_legal_moves_asked_show_what_is_hard():
    bit = engine.STRATA.index("en_passant")
    fens = [fen for fen, strata in zip(HARD.fens, HARD.strata, strict=True) if strata >> bit & 1]
    asked = engine.sample_moves(fens * 8, range(len(fens) * 8), seed=2)
    captures = [
        chess.Board(fen).is_en_passant(chess.Move.from_uci(uci))
        for fen, uci in zip(fens * 8, asked.ucis, strict=True)
    ]
    assert sum(captures) > 0.25 * len(captures)


def test_a_position_without_a_legal_move_is_named():
    mated = "k6R/8/1K6/8/8/8/8/8 b - - 10 40"
    with pytest.raises(ValueError, match=r'fens\[1\] = "k6R.*": has no legal move'):
        engine.sample_moves([chess.STARTING_FEN, mated], [0, 1], seed=1)
    with pytest.raises(ValueError, match=r"numbers must be as long as fens, 1, got 2"):
        engine.sample_moves([chess.STARTING_FEN], [0, 1], seed=1)

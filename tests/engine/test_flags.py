"""Edge-case flags, against what python-chess says of every position."""

from collections import Counter
from collections.abc import Callable

import chess
import chess_engine as engine
import numpy as np
import pytest
from oracle import Game

NAMES = ["searchless", "coordinate"]
WINGS = {"kingside": 1, "queenside": -1}


def exposes_only_along(board: chess.Board, move: chess.Move, king: int) -> bool:
    """Whether every attacker of the king after the move shoots through the square it left."""
    after = board.copy(stack=False)
    after.push(move)
    attackers = after.attackers(after.turn, king)
    through = [chess.between(king, a) & chess.BB_SQUARES[move.from_square] for a in attackers]
    return bool(through) and all(through)


def pin_restricts(board: chess.Board) -> bool:
    king = board.king(board.turn)
    assert king is not None
    candidates = [m for m in board.pseudo_legal_moves if m.from_square != king]
    return any(
        board.is_pinned(board.turn, m.from_square)
        and not board.is_legal(m)
        and exposes_only_along(board, m, king)
        for m in candidates
    )


def castling(board: chess.Board, wing: str) -> set[str]:
    us, step = board.turn, WINGS[wing]
    rank = 0 if us else 56
    king, rook = rank + 4, rank + (7 if step > 0 else 0)
    at_home = board.piece_at(king) == chess.Piece(chess.KING, us)
    at_home &= board.piece_at(rook) == chess.Piece(chess.ROOK, us)
    if not board.castling_rights & chess.BB_SQUARES[rook]:
        name = f"castling_{wing}_lost"
        return {name, f"{name}_at_home"} if at_home else {name}
    if any(m.from_square == king and m.to_square == king + 2 * step for m in board.legal_moves):
        return {f"castling_{wing}"}
    if any(board.piece_at(s) for s in chess.SquareSet.between(king, rook)):
        return set()
    if board.is_check():
        return {f"castling_{wing}_blocked_by_check"}
    path = [king + step, king + 2 * step]
    assert any(board.is_attacked_by(not us, square) for square in path)
    return {f"castling_{wing}_blocked_by_attack"}


def expected(game: Game) -> set[str]:
    """The names of the flags of a position."""
    board = game.board
    legal = list(board.legal_moves)
    over = not legal
    tests: dict[str, bool] = {
        "check": board.is_check(),
        "double_check": len(board.checkers()) > 1,
        "pin_restricts": pin_restricts(board),
        "checkmate": over and board.is_check(),
        "stalemate": over and not board.is_check(),
        "seventy_five_moves": board.halfmove_clock >= 150,
        "fivefold_repetition": game.seen[board._transposition_key()] >= 5,
        "insufficient_material": board.is_insufficient_material(),
    }
    names = {name for name, holds in tests.items() if holds}
    for move in legal:
        if board.is_en_passant(move):
            names |= {"en_passant", f"en_passant_{chess.FILE_NAMES[move.to_square % 8]}"}
        if move.promotion:
            names |= {"promotion", f"promotion_{chess.FILE_NAMES[move.from_square % 8]}"}
    return names | castling(board, "kingside") | castling(board, "queenside")


def named(flags: int) -> set[str]:
    return {name for name, bit in engine.EDGE_CASES.items() if int(flags) & bit}


def check_all(tokens: np.ndarray, lengths: np.ndarray, name: str = "searchless") -> Counter[str]:
    """Compare every position with python-chess; count what was seen."""
    moves = engine.export_move_vocabulary(name).moves
    flags = engine.compute_edge_case_flags(tokens, lengths, vocabulary=name)
    seen: Counter[str] = Counter()
    for i, length in enumerate(lengths):
        game = Game()
        for t in range(length):
            names = expected(game)
            assert named(flags.before[i, t]) == names, game.board.fen()
            game.push(chess.Move.from_uci(moves[tokens[i, t]]))
            seen.update(names)
        names = expected(game)
        assert named(flags.after[i, length - 1]) == names, game.board.fen()
        seen.update(names)
    return seen


def test_the_flags_of_random_games_are_those_of_python_chess():
    games = engine.generate_random_games(40, seed=80, max_ply=400)
    seen = check_all(games.tokens, games.lengths)
    assert len(seen) > 25


@pytest.mark.parametrize("make", [engine.generate_random_games, engine.generate_checkmate_games])
def test_the_flags_of_boosted_games_are_those_of_python_chess(make: Callable[..., engine.Games]):
    games = make(40, seed=81, max_ply=120, mate_boost=1.0, vocabulary="coordinate")
    seen = check_all(games.tokens, games.lengths, "coordinate")
    assert seen["checkmate"] > 5


LINES = {
    "e2e4 e7e5 f2f4 e5f4 e4e5 d8e7 g1f3 d7d5": {"pin_restricts"},
    "e2e4 h7h5 e4e5 h8h6 e1e2 h6b6 e2e3 b6b5 e3f4 a7a6 f4g5": {"castling_kingside_lost"},
    "e2e4 h7h5 e4e5 h8h6 e1e2 h6b6 e2e3 b6b5 e3f4 a7a6 f4g5 d7d5": {
        "castling_kingside_lost",
        "castling_queenside_lost",
    },
    "e2e4 e7e5 d2d4 e5d4 d1d4 a7a6 e4e5 d7d6 e5d6 f8d6 b1c3 a6a5 c3e4 a5a4 d4e3 h7h6 e4d6": {
        "check",
        "double_check",
    },
    "e2e4 b7b6 g1f3 c8a6 g2g3 b8c6 f1h3 a8b8": {"castling_kingside_blocked_by_attack"},
    "e2e4 b7b6 g1f3 c8a6 g2g3 b8c6 f1h3 a8b8 a2a3 c6d4 b2b3 d4f3": {
        "check",
        "castling_kingside_blocked_by_check",
    },
    "g1f3 g8f6 h1g1 h8g8 g1h1 g8h8 e2e4 e7e5 f1e2 f8e7": {
        "castling_kingside_lost",
        "castling_kingside_lost_at_home",
    },
    " ".join(["g1f3 g8f6 f3g1 f6g8"] * 4): {"fivefold_repetition"},
    " ".join(["g1f3 g8f6 f3g1 f6g8"] * 37 + ["g1f3 g8f6"]): {
        "fivefold_repetition",
        "seventy_five_moves",
    },
    "a2a4 h7h5 a4a5 b7b5": {"en_passant", "en_passant_b"},
    "a2a4 h7h5 a4a5 b7b5 a5b6 h5h4 g2g4 h4g3 b6a7 g3h2": {"promotion", "promotion_a"},
    "e2e4 c7c6 d2d4 d7d5 b1c3 d5e4 c3e4 b8d7 d1e2 g8f6 e4d6": {
        "check",
        "pin_restricts",
        "checkmate",
    },
    "e2e3 a7a5 d1h5 a8a6 h5a5 h7h5 h2h4 a6h6 a5c7 f7f6 c7d7 e8f7 d7b7 d8d3 b7b8 d3h7 b8c8 f7g6"
    " c8e6": {"stalemate", "pin_restricts", "castling_kingside_lost", "castling_queenside_lost"},
}
"""Lines of play, and the flags of the position they lead to."""


@pytest.mark.parametrize("moves", LINES)
def test_instructive_positions_have_their_flags(moves: str):
    ids = engine.export_move_vocabulary().move_ids
    tokens = np.array([[ids[m] for m in moves.split()]], np.int16)
    check_all(tokens, np.array([tokens.shape[1]], np.int32))
    assert named(engine.compute_edge_case_flags(tokens).after[0, -1]) == LINES[moves]


def test_nothing_is_flagged_after_the_end_of_a_game():
    games = engine.generate_random_games(20, seed=82, max_ply=300)
    flags = engine.compute_edge_case_flags(games.tokens)
    for i, length in enumerate(games.lengths):
        assert not flags.after[i, length:].any()
        assert not flags.before[i, length + 1 :].any()


def test_before_and_after_share_their_memory():
    games = engine.generate_random_games(3, seed=83, max_ply=50)
    flags = engine.compute_edge_case_flags(games.tokens)
    assert flags.before.dtype == flags.after.dtype == np.uint64
    assert flags.before.shape == flags.after.shape == games.tokens.shape
    assert np.shares_memory(flags.before, flags.after)
    np.testing.assert_array_equal(flags.before[:, 1:], flags.after[:, :-1])


def test_endings_of_random_games_are_flagged_at_their_last_position():
    games = engine.generate_random_games(500, seed=84)
    flags = engine.compute_edge_case_flags(games.tokens, games.lengths)
    flagged = set()
    for i, (length, code) in enumerate(zip(games.lengths, games.terminations, strict=True)):
        name = engine.TERMINATIONS[code]
        bit = engine.EDGE_CASES.get(name, 0)
        assert int(flags.after[i, length - 1]) & bit == bit
        if bit:
            assert not (flags.before[i, :length] & np.uint64(bit)).any()
            flagged.add(name)
    assert flagged >= {"checkmate", "stalemate", "seventy_five_moves", "insufficient_material"}


def test_the_table_names_each_bit_once_and_cannot_be_changed():
    assert list(engine.EDGE_CASES.values()) == [1 << i for i in range(len(engine.EDGE_CASES))]
    with pytest.raises(TypeError):
        engine.EDGE_CASES["check"] = 2  # type: ignore[index]


def test_threads_change_no_flag():
    games = engine.generate_random_games(30, seed=85, max_ply=200)
    one, two = (engine.compute_edge_case_flags(games.tokens, threads=n) for n in (1, 2))
    np.testing.assert_array_equal(one.after, two.after)


def test_an_illegal_move_is_refused_with_its_place():
    tokens = engine.generate_random_games(5, seed=86, max_ply=20).tokens
    tokens[3, 17] = 1979
    with pytest.raises(ValueError, match=r"tokens\[3, 17\] = 1979 is not a legal move"):
        engine.compute_edge_case_flags(tokens)

"""Every probe's target against python-chess."""

import chess
import chess_engine
import numpy as np
import pytest

from pawn_core.evaluation.probes.probed_positions import positions_after
from pawn_core.evaluation.probes.registry import PROBES

MEN = [chess.PAWN, chess.KNIGHT, chess.BISHOP, chess.ROOK, chess.QUEEN, chess.KING]


def oracle(board: chess.Board, plies: int) -> dict[str, list[int]]:
    """What each probe has to read, from python-chess."""
    pieces = []
    for square in chess.SQUARES:
        piece = board.piece_at(square)
        pieces.append(12 if piece is None else MEN.index(piece.piece_type) + 6 * (not piece.color))
    numbers = [len(board.pieces(man, color)) for color in chess.COLORS for man in MEN[:5]]
    rights = [
        check(color)
        for color in chess.COLORS
        for check in (board.has_kingside_castling_rights, board.has_queenside_castling_rights)
    ]
    men, pawns = len(board.piece_map()), numbers[0] + numbers[5]
    opening = plies <= 20 and men >= 28
    return {
        "piece_type": pieces,
        "side_to_move": [int(board.turn == chess.BLACK)],
        "is_check": [int(board.is_check())],
        "castling_rights": [int(right) for right in rights],
        "ep_square": [board.ep_square if board.has_legal_en_passant() else 64],
        "material": numbers,
        "legal_move_count": [board.legal_moves.count()],
        "halfmove_clock": [board.halfmove_clock],
        "game_phase": [0 if opening else 2 if men - pawns - 2 <= 6 else 1],
    }


@pytest.mark.parametrize("vocabulary", ["searchless", "coordinate"])
def test_every_target_is_that_of_python_chess_after_the_move(vocabulary: str) -> None:
    games = chess_engine.generate_random_games(24, seed=11, max_ply=240, vocabulary=vocabulary)
    moves = chess_engine.export_move_vocabulary(vocabulary).moves
    chosen_bt = np.random.default_rng(5).random(games.tokens.shape) < 0.3
    chosen_bt[:, :40] = True  # where pawns stand for en passant
    chosen_bt &= np.arange(240) < games.lengths[:, None] - 1
    positions = positions_after(games.tokens, games.lengths, chosen_bt, vocabulary)
    targets = {probe.name: probe.target(positions).tolist() for probe in PROBES}
    row, phases, squares = 0, set(), set()
    for game, length in enumerate(games.lengths):
        board = chess.Board()
        for t in range(length):
            board.push_uci(moves[games.tokens[game, t]])
            if chosen_bt[game, t]:
                expected = oracle(board, t + 1)
                assert {name: target[row] for name, target in targets.items()} == expected
                row += 1
                phases |= set(expected["game_phase"])
                squares |= set(expected["ep_square"])
    assert row == chosen_bt.sum() > 300
    assert phases == {0, 1, 2}
    assert len(squares) > 1


def test_the_probes_are_those_of_the_model_card() -> None:
    assert {probe.name: (probe.kind, probe.width) for probe in PROBES} == {
        "piece_type": ("categorical", 13 * 64),
        "side_to_move": ("binary", 1),
        "is_check": ("binary", 1),
        "castling_rights": ("multi-label", 4),
        "ep_square": ("categorical", 65),
        "material": ("regression", 10),
        "legal_move_count": ("regression", 1),
        "halfmove_clock": ("regression", 1),
        "game_phase": ("categorical", 3),
    }


def test_outputs_and_classes_are_named_in_the_order_of_the_targets() -> None:
    start = chess_engine.generate_random_games(1, seed=1, max_ply=12)
    chosen_bt = np.zeros((1, 12), dtype=np.bool_)
    chosen_bt[0, 0] = True
    positions = positions_after(start.tokens, start.lengths, chosen_bt, "searchless")
    pieces, material = PROBES[0], next(probe for probe in PROBES if probe.name == "material")
    named = dict(zip(pieces.outputs, pieces.target(positions)[0].tolist(), strict=True))
    assert pieces.classes[named["e1"]] == "white_king"
    assert pieces.classes[named["d8"]] == "black_queen"
    assert pieces.classes[named["e5"]] == "empty"
    numbers = dict(zip(material.outputs, material.target(positions)[0].tolist(), strict=True))
    assert numbers["white_pawn"] == numbers["black_pawn"] == 8
    assert numbers["white_queen"] == numbers["black_queen"] == 1

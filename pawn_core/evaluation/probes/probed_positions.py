"""The positions of games as columns, and what each probe reads off them.

A position is the board after a move that is not its game's last: there is always a next move.

Shapes: b games, t plies, n positions.
"""

from dataclasses import dataclass

import chess_engine
import numpy as np
from numpy.typing import NDArray

_CASTLING_BITS = np.array([1, 2, 4, 8])  # K, Q, k, q
_OPENING_PLIES, _OPENING_MEN, _ENDGAME_PIECES = 20, 28, 6
NO_SQUARE = 64


@dataclass(frozen=True)
class Positions:
    """Positions, one a row; codes and squares are those of `chess_engine.PositionColumns`."""

    pieces: NDArray[np.int8]
    """(n, 64)."""
    side_to_move: NDArray[np.int8]
    castling: NDArray[np.int8]
    en_passant: NDArray[np.int8]
    in_check: NDArray[np.int8]
    halfmove_clock: NDArray[np.int16]
    material: NDArray[np.int8]
    """(n, 2, 5)."""
    legal_moves: NDArray[np.int16]
    """(n,) number of legal moves of the side to move."""
    plies: NDArray[np.int64]
    """(n,) moves made."""


def positions_after(
    tokens_bt: NDArray[np.int16],
    lengths_b: NDArray[np.int32],
    chosen_bt: NDArray[np.bool_],
    vocabulary: str,
) -> Positions:
    """Return the boards after chosen moves, game by game.

    Args:
        tokens_bt: move tokens as the engine gives them.
        chosen_bt: which moves; none of them the last of its game.
    """
    states = chess_engine.extract_board_states(tokens_bt, lengths_b, vocabulary=vocabulary)
    counts_bt = chess_engine.count_legal_moves(tokens_bt, lengths_b, vocabulary=vocabulary)
    games_n, moves_n = np.nonzero(chosen_bt)
    columns = states.after
    return Positions(
        pieces=columns.pieces[games_n, moves_n],
        side_to_move=columns.side_to_move[games_n, moves_n],
        castling=columns.castling[games_n, moves_n],
        en_passant=columns.en_passant[games_n, moves_n],
        in_check=columns.in_check[games_n, moves_n],
        halfmove_clock=columns.halfmove_clock[games_n, moves_n],
        material=columns.material[games_n, moves_n],
        legal_moves=counts_bt[games_n, moves_n + 1],
        plies=moves_n + 1,
    )


def piece_type(positions: Positions) -> NDArray[np.int64]:
    """Return (n, 64), a1 first: 0-5 white P N B R Q K, 6-11 black, 12 empty."""
    return (positions.pieces.astype(np.int64) - 1) % 13


def side_to_move(positions: Positions) -> NDArray[np.int64]:
    """Return (n, 1): 1 where Black is to move."""
    return positions.side_to_move.astype(np.int64)[:, None]


def is_check(positions: Positions) -> NDArray[np.int64]:
    """Return (n, 1): 1 where the side to move is in check."""
    return positions.in_check.astype(np.int64)[:, None]


def castling_rights(positions: Positions) -> NDArray[np.int64]:
    """Return (n, 4): 1 where the right K, Q, k, q is held."""
    return (positions.castling[:, None].astype(np.int64) & _CASTLING_BITS != 0).astype(np.int64)


def en_passant_square(positions: Positions) -> NDArray[np.int64]:
    """Return (n, 1): the square where a capture en passant is legal, a1 = 0; 64 for none."""
    square_n = positions.en_passant.astype(np.int64)
    return np.where(square_n < 0, NO_SQUARE, square_n)[:, None]


def material(positions: Positions) -> NDArray[np.int64]:
    """Return (n, 10): numbers of white P N B R Q, then of black."""
    return positions.material.astype(np.int64).reshape(-1, 10)


def legal_move_count(positions: Positions) -> NDArray[np.int64]:
    """Return (n, 1): legal moves of the side to move."""
    return positions.legal_moves.astype(np.int64)[:, None]


def halfmove_clock(positions: Positions) -> NDArray[np.int64]:
    """Return (n, 1): plies since the last capture or pawn move."""
    return positions.halfmove_clock.astype(np.int64)[:, None]


def game_phase(positions: Positions) -> NDArray[np.int64]:
    """Return (n, 1): 0 opening, 1 middlegame, 2 endgame.

    Opening: at most 20 plies made and at least 28 men. Else endgame: at most 6 men that are neither
    pawns nor kings. Else middlegame.
    """
    men_n = (positions.pieces != 0).sum(axis=1)
    pieces_n = positions.material[:, :, 1:].sum(axis=(1, 2))
    opening_n = (positions.plies <= _OPENING_PLIES) & (men_n >= _OPENING_MEN)
    late_n = np.where(pieces_n <= _ENDGAME_PIECES, 2, 1)
    return np.where(opening_n, 0, late_n)[:, None]

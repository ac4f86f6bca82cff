"""What python-chess says: the reference every engine test compares with."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import chess
import chess_engine as engine
import numpy as np

PROMOTIONS = {chess.QUEEN: "q", chess.ROOK: "r", chess.BISHOP: "b", chess.KNIGHT: "n"}


class Game:
    """A python-chess board with the lab's rules on top: automatic draws only, no claims."""

    def __init__(self, fen: str = chess.STARTING_FEN) -> None:
        self.board = chess.Board(fen)
        self.ply = 0
        self.seen = Counter([self.board._transposition_key()])

    def push(self, move: chess.Move) -> None:
        self.board.push(move)
        self.ply += 1
        self.seen[self.board._transposition_key()] += 1

    def termination(self, max_ply: int) -> str | None:
        board = self.board
        if not any(board.generate_legal_moves()):
            return "checkmate" if board.is_check() else "stalemate"
        if self.ply == max_ply:
            return "ply_limit"
        if board.halfmove_clock >= 150:
            return "seventy_five_moves"
        if self.seen[board._transposition_key()] >= 5:
            return "fivefold_repetition"
        return "insufficient_material" if board.is_insufficient_material() else None

    def outcome(self, termination: str) -> str:
        if termination == "checkmate":
            return "black_checkmates" if self.board.turn else "white_checkmates"
        return termination if termination in ("stalemate", "ply_limit") else "draw_by_rule"

    def mating_moves(self) -> list[chess.Move]:
        return [m for m in self.board.legal_moves if self._mates(m)]

    def _mates(self, move: chess.Move) -> bool:
        if not self.board.gives_check(move):
            return False
        self.board.push(move)
        mates = self.board.is_checkmate()
        self.board.pop()
        return mates


@dataclass
class Row:
    """One generated game with, where the batch has them, its legal and mating sets."""

    tokens: np.ndarray
    length: int
    termination: str
    outcome: int
    legal: list[np.ndarray]
    mating: list[np.ndarray]


def rows(games: engine.Games) -> Iterator[Row]:
    """The games of a batch, one by one."""
    first_rows = np.concatenate([[0], np.cumsum(games.lengths)])
    for i, length in enumerate(games.lengths):
        span = range(first_rows[i], first_rows[i + 1])
        yield Row(
            tokens=games.tokens[i],
            length=int(length),
            termination=engine.TERMINATIONS[games.terminations[i]],
            outcome=int(games.outcomes[i]),
            legal=_sets(games.legal_values, games.legal_offsets, span),
            mating=_sets(games.mating_values, games.mating_offsets, span),
        )


def _sets(values: np.ndarray | None, offsets: np.ndarray | None, span: range) -> list[np.ndarray]:
    if values is None or offsets is None:
        return []
    return [values[offsets[r] : offsets[r + 1]] for r in span]


def tokens_of(moves: Iterator[chess.Move] | list[chess.Move], ids: dict[str, int]) -> list[int]:
    """Tokens of moves, ascending."""
    return sorted(ids[m.uci()] for m in moves)

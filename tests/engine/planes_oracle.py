"""Planes, targets and policy indices square by square, from python-chess and the definitions."""

import random

import chess
import numpy as np

DIRECTIONS = {"N": (1, 0), "S": (-1, 0), "E": (0, 1), "W": (0, -1)}
DIRECTIONS |= {a + b: (DIRECTIONS[a][0], DIRECTIONS[b][1]) for a in "NS" for b in "EW"}
JUMPS = [(-2, -1), (-2, 1), (-1, -2), (-1, 2), (1, -2), (1, 2), (2, -1), (2, 1)]


def grid(value) -> np.ndarray:
    """`value(square)` of every square, rank 8 first."""
    return np.array([[value(chess.square(f, r)) for f in range(8)] for r in reversed(range(8))])


def planes(board: chess.Board) -> np.ndarray:
    men = np.zeros((12, 8, 8))
    for square, man in board.piece_map().items():
        plane = man.piece_type - 1 + 6 * (not man.color)
        men[plane, 7 - chess.square_rank(square), chess.square_file(square)] = 1
    rights = [
        has(color)
        for color in (chess.WHITE, chess.BLACK)
        for has in (board.has_kingside_castling_rights, board.has_queenside_castling_rights)
    ]
    counters = [min(board.halfmove_clock, 99), min(board.fullmove_number, 199)]
    facts = [np.full((8, 8), fact) for fact in [board.turn, *rights, *counters]]
    return np.concatenate([men, facts]).astype(np.uint8)


def targets(board: chess.Board) -> dict[str, np.ndarray]:
    us, them = board.turn, not board.turn
    king = board.king(us)
    assert king is not None

    def piece(square: int) -> int:
        man = board.piece_at(square)
        return (man.piece_type - 1) + 6 * (not man.color) if man else 12

    def attackers(color: bool, square: int) -> int:
        return len(board.attackers(color, square))

    def forks(square: int) -> bool:
        victims = board.attacks(square) & board.occupied_co[them]
        return board.color_at(square) == us and not is_pawn(board, square) and len(victims) >= 2

    def pinned(square: int) -> bool:
        return square != king and board.color_at(square) == us and board.is_pinned(us, square)

    def control(square: int) -> int:
        return np.sign(attackers(True, square) - attackers(False, square)) + 1

    def king_safety(square: int) -> int:
        beside = chess.square_distance(square, king) == 1
        return min(2, attackers(them, square)) if beside else 255

    return {
        "piece": grid(piece),
        "threat": grid(lambda square: board.is_attacked_by(them, square)),
        "pin": grid(pinned),
        "fork": grid(forks),
        "control": grid(control),
        "pawn_structure": np.stack([grid(lambda s, p=p: p(board, s)) for p in PAWN_PLANES]),
        "king_safety": grid(king_safety),
    }


def is_pawn(board: chess.Board, square: int, color: bool | None = None) -> bool:
    of_color = color is None or board.color_at(square) == color
    return board.piece_type_at(square) == chess.PAWN and of_color


def pawns_on(board: chess.Board, color: bool, files: list[int]) -> list[int]:
    """Ranks of the pawns on some files."""
    pawns = board.pieces(chess.PAWN, color)
    return [chess.square_rank(p) for p in pawns if chess.square_file(p) in files]


def isolated(board: chess.Board, square: int) -> bool:
    file = chess.square_file(square)
    beside = [file - 1, file + 1]
    return is_pawn(board, square) and not pawns_on(board, bool(board.color_at(square)), beside)


def doubled(board: chess.Board, square: int) -> bool:
    file = [chess.square_file(square)]
    return is_pawn(board, square) and len(pawns_on(board, bool(board.color_at(square)), file)) > 1


def passed(board: chess.Board, square: int) -> bool:
    file, rank, color = chess.square_file(square), chess.square_rank(square), board.color_at(square)
    enemies = pawns_on(board, not color, [file - 1, file, file + 1])
    ahead = [r for r in enemies if (r > rank if color else r < rank)]
    return is_pawn(board, square) and not ahead


def shields(board: chess.Board, square: int) -> bool:
    if not is_pawn(board, square):
        return False
    color = bool(board.color_at(square))
    king = board.king(color)
    assert king is not None
    ahead = (chess.square_rank(square) - chess.square_rank(king)) * (1 if color else -1)
    return abs(chess.square_file(square) - chess.square_file(king)) <= 1 and ahead in (1, 2)


def colors_of_file(board: chess.Board, square: int) -> int:
    file = [chess.square_file(square)]
    return sum(bool(pawns_on(board, color, file)) for color in chess.COLORS)


PAWN_PLANES = [
    lambda board, square: is_pawn(board, square, chess.WHITE),
    lambda board, square: is_pawn(board, square, chess.BLACK),
    isolated,
    doubled,
    passed,
    shields,
    lambda board, square: colors_of_file(board, square) == 0,
    lambda board, square: colors_of_file(board, square) == 1,
]


def policy_index(board: chess.Board, move: chess.Move) -> int:
    ranks = chess.square_rank(move.to_square) - chess.square_rank(move.from_square)
    files = chess.square_file(move.to_square) - chess.square_file(move.from_square)
    if move.promotion not in (None, chess.QUEEN):
        role = [chess.KNIGHT, chess.BISHOP, chess.ROOK].index(move.promotion)
        left = -1 if board.turn else 1
        plane = 64 + 3 * role + [0, left, -left].index(files)
    elif (ranks, files) in JUMPS:
        plane = 56 + JUMPS.index((ranks, files))
    else:
        distance = max(abs(ranks), abs(files))
        names = ["N", "S", "E", "W", "NE", "NW", "SE", "SW"]
        step = next(n for n in names if DIRECTIONS[n] == (np.sign(ranks), np.sign(files)))
        plane = 7 * names.index(step) + distance - 1
    return move.from_square * 73 + plane


def scattered(seed: int, count: int) -> list[str]:
    """FENs of legal positions that no game need lead to: men anywhere, many of them queens."""
    rng, fens = random.Random(seed), []
    while len(fens) < count:
        board = chess.Board(None)
        squares = rng.sample(range(64), rng.randint(2, 32))
        for color, square in zip(chess.COLORS, squares, strict=False):
            board.set_piece_at(square, chess.Piece(chess.KING, color))
        for square in squares[2:]:
            role = rng.choice([1, 1, 1, 2, 3, 4, 5])
            board.set_piece_at(square, chess.Piece(role, rng.random() < 0.5))
        board.turn = rng.random() < 0.5
        board.halfmove_clock, board.fullmove_number = rng.randrange(160), rng.randint(1, 400)
        if board.status() in (chess.STATUS_VALID, chess.STATUS_TOO_MANY_CHECKERS):
            fens.append(board.fen())
    return fens

"""Moves as policy indices, and positions and moves transformed, against python-chess."""

import chess
import chess_engine as engine
import numpy as np
import planes_oracle as oracle
import pytest

SEED = 71128
MIRROR, FLIP = 1, 2


@pytest.fixture(scope="module")
def fens() -> list[str]:
    print(f"seed {SEED}")
    return engine.sample_positions(range(1000), seed=SEED, hard_ratio=0.7, max_ply=300).fens


def legal(fen: str) -> list[str]:
    return [move.uci() for move in chess.Board(fen).legal_moves]


def image(board: chess.Board, kind: int) -> chess.Board:
    board = board.mirror() if kind & FLIP else board
    return board.transform(chess.flip_horizontal) if kind & MIRROR else board


def kinds_of(fens: list[str]) -> list[int]:
    """A kind that each position may have."""
    rng = np.random.default_rng(SEED)
    may = engine.may_mirror(fens)
    return [int(rng.integers(4)) if ok else FLIP * int(rng.integers(2)) for ok in may]


def test_moves_become_the_indices_of_the_definitions_and_come_back(fens: list[str]):
    moves = [legal(fen) for fen in fens]
    values, offsets = engine.policy_indices(fens, moves)
    for i, (fen, ucis) in enumerate(zip(fens, moves, strict=True)):
        board, row = chess.Board(fen), values[offsets[i] : offsets[i + 1]]
        named = [chess.Move.from_uci(uci) for uci in ucis]
        assert row.tolist() == [oracle.policy_index(board, move) for move in named]
        assert engine.policy_moves([fen] * len(row), row) == ucis


def test_known_indices():
    fen = "1n6/P7/8/8/8/8/p7/R3K2R w KQ - 0 1"
    fen = fen.replace("1n6", "1n2k3")
    moves = ["e1g1", "e1c1", "a7a8q", "a7a8n", "a7b8r", "a7b8q"]
    values, _ = engine.policy_indices([fen], [moves])
    squares = [4, 4, 48, 48, 48, 48]
    planes = [2 * 7 + 1, 3 * 7 + 1, 0, 64, 64 + 6 + 2, 4 * 7]
    assert values.tolist() == [73 * s + p for s, p in zip(squares, planes, strict=True)]


def test_left_is_the_movers_left():
    white = engine.policy_indices(["n1n1k3/1P6/8/8/8/8/8/4K3 w - - 0 1"], [["b7a8n", "b7c8n"]])[0]
    black = engine.policy_indices(["4k3/8/8/8/8/8/1p6/N1N1K3 b - - 0 1"], [["b2c1n", "b2a1n"]])[0]
    assert (white % 73).tolist() == (black % 73).tolist() == [65, 66]


@pytest.mark.parametrize(
    "uci", ["e2e5", "e7e5", "e1g1", "", "e2", "e2e4q", "e2e4r", "0000", "E2E4", "e1h1", "é"]
)
def test_an_illegal_move_has_no_index(uci: str):
    with pytest.raises(ValueError, match=r"moves\[1\] = .* not a legal move in fens\[1\].*e2e4"):
        engine.policy_indices([chess.STARTING_FEN] * 2, [["e2e4"], ["e2e4", uci]])


def test_an_index_without_a_legal_move_is_no_other_move():
    for index in set(range(engine.POLICY_SIZE)) - set(map(int, encoded_legal(chess.STARTING_FEN))):
        with pytest.raises(ValueError, match=r"not a legal move in fens\[0\]; one of: 135, 136"):
            engine.policy_moves([chess.STARTING_FEN], [index])


def encoded_legal(fen: str) -> np.ndarray:
    return engine.encode_positions([fen]).legal_moves


@pytest.mark.parametrize("index", [-1, 4672, 2**40, "12"])
def test_an_index_outside_the_policy_is_refused(index: object):
    with pytest.raises(ValueError, match="indices"):
        engine.policy_moves([chess.STARTING_FEN], [index])  # type: ignore[list-item]


def test_as_many_moves_as_positions_are_asked_for():
    with pytest.raises(ValueError, match="moves must be as long as fens, 1, got 2"):
        engine.policy_indices([chess.STARTING_FEN], [[], []])
    with pytest.raises(ValueError, match="indices must be as long as fens, 1, got 0"):
        engine.policy_moves([chess.STARTING_FEN], [])


def test_a_finished_game_has_no_move_and_no_index():
    mate = "7k/5Q2/6K1/8/8/8/8/8 b - - 0 1"
    assert engine.policy_indices([mate], [[]])[1].tolist() == [0, 0]
    with pytest.raises(ValueError, match=r"not a legal move in fens\[0\]; it has none"):
        engine.policy_moves([mate], [0])


def test_images_are_those_of_python_chess(fens: list[str]):
    kinds = kinds_of(fens)
    assert set(kinds) == {0, 1, 2, 3}
    for fen, kind, transformed in zip(fens, kinds, engine.transform_fens(fens, kinds), strict=True):
        assert transformed == image(chess.Board(fen), kind).fen(en_passant="legal")


def test_twice_transformed_is_as_before(fens: list[str]):
    kinds = kinds_of(fens)
    assert engine.transform_fens(engine.transform_fens(fens, kinds), kinds) == fens
    table = engine.POLICY_TRANSFORMS
    for row in table:
        assert np.array_equal(row[row], np.arange(engine.POLICY_SIZE))
    assert np.array_equal(table[MIRROR][table[FLIP]], table[MIRROR | FLIP])


def test_legal_moves_of_an_image_are_the_images_of_the_legal_moves(fens: list[str]):
    kinds = kinds_of(fens)
    before = engine.encode_positions(fens)
    after = engine.encode_positions(engine.transform_fens(fens, kinds))
    assert np.array_equal(before.legal_offsets, after.legal_offsets)
    for i, kind in enumerate(kinds):
        row = slice(*before.legal_offsets[i : i + 2])
        moved = engine.POLICY_TRANSFORMS[kind][before.legal_moves[row]]
        assert sorted(moved) == after.legal_moves[row].tolist()


def test_a_position_is_encoded_as_its_image(fens: list[str]):
    kinds = kinds_of(fens)
    one = engine.encode_positions(fens, kinds=kinds)
    other = engine.encode_positions(engine.transform_fens(fens, kinds))
    for name in ("planes", "legal_moves", "side_to_move", *engine.POSITION_TASKS):
        assert np.array_equal(getattr(one, name), getattr(other, name)), name


def test_targets_of_images_are_images_of_targets(fens: list[str]):
    """What speaks of the side to move stays; colours and the sign of control are swapped."""
    free = [fen for fen, may in zip(fens, engine.may_mirror(fens), strict=True) if may]
    before = engine.encode_positions(free)
    mirrored = engine.encode_positions(free, kinds=[MIRROR] * len(free))
    flipped = engine.encode_positions(free, kinds=[FLIP] * len(free))
    assert len(free) > 100
    for name in engine.POSITION_TASKS:
        assert np.array_equal(mirrored.target(name), before.target(name)[..., ::-1])
    for name in ("threat", "pin", "fork", "king_safety"):
        assert np.array_equal(flipped.target(name), before.target(name)[..., ::-1, :])
    assert np.array_equal(flipped.control, 2 - before.control[:, ::-1])
    swapped = before.pawn_structure[:, [1, 0, 2, 3, 4, 5, 6, 7], ::-1]
    assert np.array_equal(flipped.pawn_structure, swapped)
    piece = before.piece[:, ::-1]
    assert np.array_equal(flipped.piece, np.where(piece < 12, (piece + 6) % 12, 12))


def test_a_position_with_castling_rights_is_not_mirrored():
    fens = ["4k3/8/8/8/8/8/8/R3K3 w Q - 0 1", "4k3/8/8/8/8/8/8/R3K3 w - - 0 1"]
    assert engine.may_mirror(fens).tolist() == [False, True]
    with pytest.raises(ValueError, match=r"fens\[0\] = .* has castling rights"):
        engine.transform_fens(fens, [MIRROR, MIRROR])
    with pytest.raises(ValueError, match=r"fens\[0\] = .* has castling rights"):
        engine.encode_positions(fens, kinds=[3, 0])
    assert engine.transform_fens(fens[:1], [FLIP]) == ["r3k3/8/8/8/8/8/8/4K3 b q - 0 1"]


@pytest.mark.parametrize("kinds", [[4], [-1], [0, 0], [], 2, "2", [True, None]])
def test_other_kinds_are_refused(kinds: object):
    for call in (
        lambda: engine.transform_fens([chess.STARTING_FEN], kinds),  # type: ignore[arg-type]
        lambda: engine.encode_positions([chess.STARTING_FEN], kinds=kinds),  # type: ignore[arg-type]
    ):
        with pytest.raises(ValueError, match="kinds must be"):
            call()


def test_en_passant_keeps_its_square_in_every_image():
    fen = "4k3/8/8/2pP4/8/8/8/4K3 w - c6 0 2"
    images = engine.transform_fens([fen] * 4, range(4))
    assert [image.split()[3] for image in images] == ["c6", "f6", "c3", "f3"]


def test_nobody_writes_to_the_table_of_transforms():
    with pytest.raises(ValueError, match="read-only"):
        engine.POLICY_TRANSFORMS[0, 0] = 1

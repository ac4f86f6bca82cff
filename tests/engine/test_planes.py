"""Positions as planes with their targets, against python-chess and the definitions in the stub."""

import chess
import chess_engine as engine
import numpy as np
import planes_oracle as oracle
import pytest

SEED = 20261128
CASTLING = "r3k2r/pppq1ppp/2npbn2/2b1p3/2B1P3/2NPBN2/PPPQ1PPP/R3K2R w KQkq - 4 9"


@pytest.fixture(scope="module")
def fens() -> list[str]:
    print(f"seed {SEED}")
    return varied(SEED, 1500, 700)


def varied(seed: int, played: int, scattered: int) -> list[str]:
    """Positions of games, half of them with pins, checks, promotions and the like, and odd ones."""
    games = engine.sample_positions(range(played), seed=seed, hard_ratio=0.5, max_ply=400)
    return [*games.fens, *(fen for fen in oracle.scattered(seed, scattered) if is_legal(fen))]


def is_legal(fen: str) -> bool:
    """Whether the engine takes a position: it refuses checks that no move can have given."""
    try:
        engine.legal_moves(fen)
    except ValueError:
        return False
    return True


def encode(*fens: str) -> engine.EncodedPositions:
    return engine.encode_positions(fens, threads=1)


def squares(grid: np.ndarray, value: int = 1) -> set[str]:
    """Names of the squares where a grid has this value."""
    return {chess.square_name(chess.square(f, 7 - r)) for r, f in np.argwhere(grid == value)}


def assert_all_as_defined(fens: list[str]) -> None:
    encoded = encode(*fens)
    for i, fen in enumerate(fens):
        board = chess.Board(fen)
        assert np.array_equal(encoded.planes[i], oracle.planes(board)), fen
        assert encoded.side_to_move[i] == board.turn, fen
        for name, expected in oracle.targets(board).items():
            assert np.array_equal(encoded.target(name)[i], expected), (name, fen)


def test_every_plane_and_target_is_that_of_the_definitions(fens: list[str]):
    assert len(fens) > 2000
    assert_all_as_defined(fens)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_every_plane_and_target_of_many_positions_is_that_of_the_definitions(seed: int):
    assert_all_as_defined(varied(seed, 4000, 2000))


def test_every_target_has_both_of_its_answers(fens: list[str]):
    encoded = encode(*fens)
    assert set(engine.POSITION_TASKS) == oracle.targets(chess.Board()).keys()
    for name in ("threat", "pin", "fork"):
        assert set(np.unique(encoded.target(name))) == {0, 1}
    assert set(np.unique(encoded.control)) == {0, 1, 2}
    assert set(np.unique(encoded.king_safety)) == {0, 1, 2, engine.IGNORED}
    assert set(np.unique(encoded.piece)) == set(range(13))
    for plane in range(8):
        assert set(np.unique(encoded.pawn_structure[:, plane])) == {0, 1}


def test_base_rates_on_random_games_are_the_known_ones():
    games = engine.generate_random_games(100, seed=SEED, max_ply=80)
    rows = np.repeat(np.arange(100), games.lengths)
    plies = np.concatenate([np.arange(n) for n in games.lengths])
    encoded = engine.encode_game_positions(games.tokens, games.lengths, rows=rows, plies=plies)
    assert 0.0076 < encoded.fork.mean() < 0.0107
    assert 0.48 < encoded.threat.mean() < 0.53


def test_legal_moves_are_the_indices_of_the_definitions(fens: list[str]):
    encoded = encode(*fens)
    for i, fen in enumerate(fens):
        board = chess.Board(fen)
        start, end = encoded.legal_offsets[i : i + 2]
        expected = sorted(oracle.policy_index(board, move) for move in board.legal_moves)
        assert encoded.legal_moves[start:end].tolist() == expected, fen
        assert len(set(expected)) == len(expected)


@pytest.mark.parametrize("vocabulary", ["searchless", "coordinate"])
def test_positions_of_games_are_those_of_their_fens(vocabulary: str):
    games = engine.generate_random_games(30, seed=SEED, max_ply=150, vocabulary=vocabulary)
    moves = engine.export_move_vocabulary(vocabulary).moves
    rng = np.random.default_rng(SEED)
    rows = rng.integers(0, 30, 400)
    plies = rng.integers(0, games.lengths[rows] + 1)
    boards = [chess.Board() for _ in rows]
    for board, row, ply in zip(boards, rows, plies, strict=True):
        for token in games.tokens[row, :ply]:
            board.push_uci(moves[token])
    expected = encode(*(board.fen(en_passant="legal") for board in boards))
    for threads in (1, 2):
        encoded = engine.encode_game_positions(
            games.tokens, games.lengths, rows=rows, plies=plies, vocabulary=vocabulary,
            threads=threads,
        )  # fmt: skip
        assert_equal(encoded, expected)


def assert_equal(one: engine.EncodedPositions, other: engine.EncodedPositions) -> None:
    names = ["planes", "side_to_move", "legal_moves", "legal_offsets", *engine.POSITION_TASKS]
    for name in names:
        assert np.array_equal(getattr(one, name), getattr(other, name)), name


def test_neither_threads_nor_neighbours_change_a_position(fens: list[str]):
    assert_equal(encode(*fens), engine.encode_positions(fens, threads=2))
    alone, among = encode(fens[77]), encode(*fens[70:90])
    for name in ("planes", *engine.POSITION_TASKS):
        assert np.array_equal(getattr(alone, name)[0], getattr(among, name)[7])


def test_only_what_is_asked_for_is_made():
    encoded = engine.encode_positions([CASTLING], targets=False, legal=False)
    assert encoded.planes.shape == (1, 19, 8, 8)
    assert encoded.legal_moves is None
    assert encoded.legal_offsets is None
    assert encoded.piece is None
    with pytest.raises(ValueError, match="targets=False"):
        encoded.target("piece")
    with pytest.raises(ValueError, match=r'one of: piece, threat, .* got "pins"'):
        encode(CASTLING).target("pins")


def test_no_position_makes_empty_arrays():
    encoded = encode()
    assert encoded.planes.shape == (0, 19, 8, 8)
    assert encoded.pawn_structure.shape == (0, 8, 8, 8)
    assert encoded.legal_offsets.tolist() == [0]


def test_shapes_and_dtypes_are_those_of_the_stub():
    encoded = encode(CASTLING, CASTLING)
    assert encoded.legal_moves.dtype == np.int16
    assert encoded.legal_offsets.dtype == np.int64
    for name in ("planes", "side_to_move", *engine.POSITION_TASKS):
        assert getattr(encoded, name).dtype == np.uint8
        assert getattr(encoded, name).shape[0] == 2
        assert name == "side_to_move" or encoded.target("piece").shape == (2, 8, 8)


def test_counters_beyond_the_limits_stay_at_them():
    fens = [f"k7/8/8/8/8/8/8/7K w - - {half} {full}" for half, full in
            [(98, 198), (99, 199), (100, 200), (150, 5000), (0, 1)]]  # fmt: skip
    planes = encode(*fens).planes
    assert planes[:, 17, 3, 3].tolist() == [98, 99, 99, 99, 0]
    assert planes[:, 18, 3, 3].tolist() == [198, 199, 199, 199, 1]


def test_each_castling_right_has_its_plane():
    for i, right in enumerate("KQkq"):
        planes = encode(CASTLING.replace("KQkq", right)).planes[0, 13:17]
        assert planes.mean(axis=(1, 2)).tolist() == [float(j == i) for j in range(4)]


@pytest.mark.parametrize("number", [1, 2, 37, 38])
def test_the_side_to_move_is_the_one_the_fen_names_whatever_the_move_number(number: int):
    for turn, white in (("w", 1), ("b", 0)):
        encoded = encode(f"4k3/8/8/8/8/8/8/4K3 {turn} - - 0 {number}")
        assert encoded.side_to_move.tolist() == [white]
        assert (encoded.planes[0, 12] == white).all()


def test_pawns_attack_toward_the_enemy():
    fen = "4k3/8/8/8/4P3/8/8/4K3 b - - 0 1"
    assert {"d5", "f5"} <= squares(encode(fen).threat[0])
    assert not {"d3", "f3"} & squares(encode(fen).threat[0])
    assert {"d5", "f5"} <= squares(encode(fen).control[0], 2)
    black = "4k3/8/8/4p3/8/8/8/4K3 w - - 0 1"
    assert {"d4", "f4"} <= squares(encode(black).threat[0])
    assert {"d4", "f4"} <= squares(encode(black).control[0], 0)


def test_a_square_may_be_in_several_planes_of_pawn_structure():
    # a2 and a4 are white, isolated and doubled, on a semi-open file; a4 is passed, and so is a2.
    structure = encode("4k3/8/8/8/P7/8/P7/4K3 w - - 0 1").pawn_structure[0]
    planes = [i for i in range(8) if {"a2", "a4"} <= squares(structure[i])]
    assert planes == [0, 2, 3, 4, 7]


def test_isolated_pawns_are_so_by_file_not_by_rank():
    structure = encode("4k3/8/8/8/8/P1P5/1P3P1P/4K3 w - - 0 1").pawn_structure[0]
    assert squares(structure[2]) == {"f2", "h2"}


def test_only_the_neighbours_of_the_king_are_labelled_in_king_safety(fens: list[str]):
    labelled = (encode(*fens).king_safety != engine.IGNORED).sum(axis=(1, 2))
    assert set(labelled) == {3, 5, 8}


def test_a_mated_king_has_no_legal_move_and_all_its_targets():
    encoded = encode("7k/6Q1/6K1/8/8/8/8/8 b - - 0 1", CASTLING)
    assert encoded.legal_offsets[1] == 0
    assert squares(encoded.king_safety[0], 1) == {"g7", "g8"}
    assert squares(encoded.king_safety[0], 2) == {"h7"}


def test_a_pinned_man_attacks_and_is_pinned_whether_or_not_it_can_move():
    # The rook on e2 can move along its line, the knight on d2 cannot; both attack.
    encoded = encode("4r2k/8/8/b7/8/8/3NR3/4K3 w - - 0 1")
    assert squares(encoded.pin[0]) == {"d2", "e2"}
    theirs = encode("4r2k/8/8/b7/8/8/3NR3/4K3 b - - 0 1")
    assert {"f1", "f3", "b3", "e8"} <= squares(theirs.threat[0])
    assert not theirs.pin.any()


def test_en_passant_discovery_pins_no_pawn():
    assert not encode("4k3/8/8/K2pP2r/8/8/8/8 w - d6 0 2").pin.any()


def test_pawns_and_defended_men_do_not_fork():
    # The pawn on d4 attacks two men; so do the king and the knight, which may take only one.
    encoded = encode("7k/8/8/2p1p3/3P4/8/8/K7 w - - 0 1")
    assert not encoded.fork.any()
    assert squares(encode("7k/8/2r1r3/3K4/8/8/8/8 w - - 0 1").fork[0]) == {"d5"}


def test_the_ring_of_a_king_in_the_corner_has_three_squares():
    safety = encode("6rk/8/8/8/8/8/r7/7K w - - 0 1").king_safety[0]
    assert squares(safety, 1) == {"g1", "h2"}
    assert squares(safety, 2) == {"g2"}
    assert squares(safety, engine.IGNORED) >= {"h1", "a8"}


@pytest.mark.parametrize(
    ("fen", "reason"),
    [
        ("", "not a legal chess position"),
        ("8/8/8/8/8/8/8/8 w - - 0 1", "not a legal chess position"),
        ("k7/8/8/8/8/8/8/8 w - - 0 1", "not a legal chess position: .*king"),
        ("kk6/8/8/8/8/8/8/K7 w - - 0 1", "not a legal chess position: .*king"),
        ("kR6/8/8/8/8/8/8/K7 w - - 0 1", "not a legal chess position: .*check"),
        ("k6P/8/8/8/8/8/8/K7 w - - 0 1", "not a legal chess position: .*pawn"),
        ("4k3/8/8/8/8/8/8/4K3 w KQkq - 0 1", "not a legal chess position: .*castling"),
        ("♔", "not a legal chess position"),
    ],
)
def test_a_bad_fen_is_refused_with_its_index_and_the_reason(fen: str, reason: str):
    with pytest.raises(ValueError, match=rf"fens\[1\] = .*: {reason}"):
        encode(CASTLING, fen)


def test_an_en_passant_square_without_a_capture_is_read_as_none():
    idle = "rnbqkbnr/pppppppp/8/8/4P3/8/PPPP1PPP/RNBQKBNR b KQkq e3 0 1"
    assert_equal(encode(idle), encode(idle.replace("e3", "-")))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rows": [0, 3], "plies": [0, 0]}, r"rows\[1\] = \"3\": tokens has 3 games"),
        ({"rows": [0, 1], "plies": [0, 9]}, r"plies\[1\] = \"9\": game 1 has 8 plies"),
        ({"rows": [0], "plies": [0, 1]}, "plies must be as long as rows, 1, got 2"),
        ({"rows": [-1], "plies": [0]}, "rows must be an integer in 0"),
        ({"rows": "0", "plies": [0]}, "rows must be a sequence of integers"),
    ],
)
def test_games_and_plies_that_are_not_there_are_refused(arguments: dict, message: str):
    games = engine.generate_random_games(3, seed=1, max_ply=8)
    with pytest.raises(ValueError, match=message):
        engine.encode_game_positions(games.tokens, games.lengths, **arguments)


def test_an_illegal_token_is_named_only_where_it_is_on_the_way():
    games = engine.generate_random_games(2, seed=1, max_ply=20)
    games.tokens[1, 5] = 0
    engine.encode_game_positions(games.tokens, rows=[1], plies=[5])
    with pytest.raises(ValueError, match=r"tokens\[1, 5\] = 0 is not a legal move"):
        engine.encode_game_positions(games.tokens, rows=[1], plies=[6])

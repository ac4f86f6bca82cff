"""Single positions: FEN in and out, legal moves, perft."""

import chess
import chess_engine as engine
import pytest

START = chess.STARTING_FEN
KIWIPETE = "r3k2r/p1ppqpb1/bn2pnp1/3PN3/1p2P3/2N2Q1p/PPPBBPPP/R3K2R w KQkq - 0 1"

# Node counts as published on the Chess Programming Wiki.
PERFT = [
    (START, [1, 20, 400, 8_902, 197_281, 4_865_609]),
    (KIWIPETE, [1, 48, 2_039, 97_862, 4_085_603]),
    ("8/2p5/3p4/KP5r/1R3p1k/8/4P1P1/8 w - - 0 1", [1, 14, 191, 2_812, 43_238, 674_624]),
    (
        "r3k2r/Pppp1ppp/1b3nbN/nP6/BBP1P3/q4N2/Pp1P2PP/R2Q1RK1 w kq - 0 1",
        [1, 6, 264, 9_467, 422_333],
    ),
    (
        "rnbq1k1r/pp1Pbppp/2p5/8/2B5/8/PPP1NnPP/RNBQK2R w KQ - 1 8",
        [1, 44, 1_486, 62_379, 2_103_487],
    ),
    (
        "r4rk1/1pp1qppp/p1np1n2/2b1p1B1/2B1P1b1/P1NP1N2/1PP1QPPP/R4RK1 w - - 0 10",
        [1, 46, 2_079, 89_890, 3_894_594],
    ),
]


@pytest.mark.parametrize(("fen", "counts"), PERFT)
def test_perft_counts_are_the_published_ones(fen: str, counts: list[int]):
    assert [engine.perft(fen, depth) for depth in range(len(counts))] == counts


@pytest.mark.slow
@pytest.mark.parametrize(
    ("position", "count"), [(1, 193_690_690), (3, 15_833_292), (4, 89_941_194), (5, 164_075_551)]
)
def test_perft_to_depth_five_is_the_published_one(position: int, count: int):
    assert engine.perft(PERFT[position][0], 5) == count


def test_legal_moves_and_fens_follow_python_chess():
    vocabulary = engine.export_move_vocabulary()
    games = engine.generate_random_games(40, seed=30, max_ply=200)
    for row, length in zip(games.tokens, games.lengths, strict=True):
        board, fen = chess.Board(), START
        for token in row[:length]:
            legal = engine.legal_moves(fen)
            assert legal == sorted(
                (m.uci() for m in board.legal_moves), key=vocabulary.move_ids.get
            )
            uci = vocabulary.moves[token]
            fen = engine.apply(fen, uci)
            board.push_uci(uci)
            assert fen == board.fen(en_passant="legal")


def test_en_passant_is_written_only_where_a_capture_is_legal():
    assert engine.apply(START, "e2e4").split()[3] == "-"
    capturable = "rnbqkbnr/1ppppppp/8/8/pP6/8/P1PPPPPP/RNBQKBNR b KQkq b3 0 3"
    assert engine.apply("rnbqkbnr/1ppppppp/8/8/p7/8/PPPPPPPP/RNBQKBNR w KQkq - 0 3", "b2b4") == (
        capturable
    )
    pinned = "8/8/8/8/k2p3R/8/4P3/4K3 w - - 0 1"
    assert engine.apply(pinned, "e2e4").split()[3] == "-"


def test_a_position_without_moves_has_none():
    assert engine.legal_moves("7k/5Q2/6K1/8/8/8/8/8 b - - 0 1") == []


@pytest.mark.parametrize(
    "fen",
    [
        "",
        "not a fen",
        "8/8/8/8/8/8/8/8 w - - 0 1",
        "k7/8/8/8/8/8/8/8 w - - 0 1",
        "kk6/8/8/8/8/8/8/K7 w - - 0 1",
        "k6P/8/8/8/8/8/8/K7 w - - 0 1",
        "kR6/8/8/8/8/8/8/K7 w - - 0 1",
        "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR x KQkq - 0 1",
        "rnbqkbnr/pppppppp/9/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - 0 1",
        "8/8/8/8/8/8/8/8/k6K w - - 0 1",
        "\x00",
        "♔",
    ],
)
def test_a_bad_fen_is_refused_everywhere(fen: str):
    for call in (
        lambda: engine.legal_moves(fen),
        lambda: engine.apply(fen, "e2e4"),
        lambda: engine.perft(fen, 1),
    ):
        with pytest.raises(ValueError, match=r"fen .* is not a legal chess position: "):
            call()


@pytest.mark.parametrize("uci", ["e2e5", "e7e5", "e1g1", "", "e2", "e2e4q", "0000", "Q@e4", "é"])
def test_an_illegal_move_is_refused_with_the_legal_ones(uci: str):
    with pytest.raises(ValueError, match=r"is not a legal move in .* one of: .*e2e4"):
        engine.apply(START, uci)


@pytest.mark.parametrize("depth", [-1, 9, 2**70, "two"])
def test_perft_depth_is_bounded(depth: object):
    with pytest.raises(ValueError, match=r"depth must be an integer in 0\.\.=8"):
        engine.perft(START, depth)  # type: ignore[arg-type]

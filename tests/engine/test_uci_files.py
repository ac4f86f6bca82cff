"""Games from lines of UCI moves."""

from pathlib import Path

import chess
import chess_engine as engine
import numpy as np
import pytest

MOVES = engine.export_move_vocabulary().moves
CLEAN = {
    "variant": 0,
    "custom_start": 0,
    "illegal_move": 0,
    "moves_after_end": 0,
    "too_long": 0,
    "empty": 0,
    "malformed": 0,
}

CASTLINGS = [
    "g1f3 g8f6 g2g3 g7g6 f1g2 f8g7 e1g1 e8g8",
    "d2d4 d7d5 c1f4 c8f5 b1c3 b8c6 d1d2 d8d7 e1c1 e8c8",
]


def written(games: engine.Games) -> str:
    rows = zip(games.tokens, games.lengths, strict=True)
    return "".join(" ".join(MOVES[t] for t in row[:n]) + "\n" for row, n in rows)


def read(folder: Path, text: str, **arguments) -> engine.UciGames:
    path = folder / "games.uci"
    path.write_bytes(text.encode())
    return engine.parse_uci_file(path, **arguments)


@pytest.mark.parametrize("vocabulary", ["searchless", "coordinate"])
def test_written_games_are_read_back(tmp_path: Path, vocabulary: str):
    games = engine.generate_random_games(
        200, seed=80, max_ply=400, mate_boost=0.5, vocabulary=vocabulary
    )
    text = written(engine.generate_random_games(200, seed=80, max_ply=400, mate_boost=0.5))
    again = read(tmp_path, text, max_ply=400, vocabulary=vocabulary)
    np.testing.assert_array_equal(again.tokens, games.tokens)
    np.testing.assert_array_equal(again.lengths, games.lengths)
    over = games.terminations != engine.TERMINATIONS.index("ply_limit")
    np.testing.assert_array_equal(again.terminations[over], games.terminations[over])
    np.testing.assert_array_equal(again.outcomes[over], games.outcomes[over])
    cut = engine.TERMINATIONS.index("unfinished")
    assert (again.terminations[~over] == cut).all()
    assert (again.outcomes[~over] == -1).all()
    assert again.report == {"read": 200, "kept": 200} | CLEAN


@pytest.mark.parametrize(
    ("reason", "line"),
    [
        ("illegal_move", "e2e4 e7e5 e4e5"),
        ("illegal_move", "e2e4 0000"),
        ("illegal_move", "g1f3 g8f6 g2g3 g7g6 f1g2 f8g7 e1h1"),
        ("illegal_move", "f2f3 e7e5 g2g4 d8h4 e1f2"),
        ("illegal_move", "b1d8"),
        ("moves_after_end", "g1f3 g8f6 f3g1 f6g8 " * 4 + "e2e4"),
        ("too_long", "g1f3 g8f6 f3g1 f6g8 " * 3 + "e2e4 e7e5 " + "g1f3 g8f6 f3g1 f6g8 " * 2),
        ("empty", ""),
        ("empty", "  \t "),
        ("malformed", "e2e4 e7-e5"),
        ("malformed", "e2e4 e5"),
        ("malformed", "e2e4 e7e5 1-0"),
        ("malformed", "e2e4 \xe9"),
    ],
)
def test_a_line_that_cannot_be_kept_is_counted_with_its_reason(
    tmp_path: Path, reason: str, line: str
):
    games = read(tmp_path, f"d2d4\n{line}\nc2c4", max_ply=20)
    assert games.report == {"read": 3, "kept": 2} | CLEAN | {reason: 1}
    assert games.numbers.tolist() == [0, 2]


def test_castling_is_the_kings_two_step(tmp_path: Path):
    line = "g1f3 g8f6 g2g3 g7g6 f1g2 f8g7 e1g1 e8g8"
    games = read(tmp_path, line)
    assert [MOVES[t] for t in games.tokens[0, 6:8]] == ["e1g1", "e8g8"]


@pytest.mark.parametrize("line", CASTLINGS)
def test_castling_is_king_takes_rook_on_request(tmp_path: Path, line: str):
    """Both spellings are read; neither is legal where the king may not castle."""
    two_step = read(tmp_path, line)
    board, words = chess.Board(), []
    for word in line.split():
        move = board.push_uci(word)
        board.pop()
        words.append(board.uci(move, chess960=True))
        board.push(move)
    rooks = " ".join(words)
    assert rooks != line
    for text in (line, rooks):
        games = read(tmp_path, text, castling="king_takes_rook")
        np.testing.assert_array_equal(games.tokens, two_step.tokens)
    assert read(tmp_path, rooks).report["illegal_move"] == 1


@pytest.mark.parametrize(
    "line", ["e1h1", "e1d1", "g1f3 g8f6 g2g3 g7g6 f1g2 f8g7 h1g1 e8h8 e1g1", "e2e4 e7e5 e1e2"]
)
def test_a_king_takes_a_rook_only_where_he_may_castle(tmp_path: Path, line: str):
    games = read(tmp_path, line, castling="king_takes_rook")
    board = chess.Board(chess960=True)
    try:
        for word in line.split():
            board.push_uci(word)
        assert games.report["kept"] == 1
    except ValueError:
        assert games.report["illegal_move"] == 1


def test_an_unknown_castling_is_refused(tmp_path: Path):
    with pytest.raises(ValueError, match="castling must be one of: two_step, king_takes_rook, got"):
        read(tmp_path, "e2e4", castling="chess960")


def test_line_breaks_and_spaces_are_of_any_kind(tmp_path: Path):
    for line_break in ("\n", "\r\n", "\r"):
        games = read(tmp_path, f"\ufeffe2e4\te7e5{line_break}  d2d4   d7d5 {line_break}")
        assert games.lengths.tolist() == [2, 2]
        assert games.report["read"] == 2


def test_batches_and_threads_change_nothing(tmp_path: Path):
    random = engine.generate_random_games(3000, seed=81, max_ply=60)
    text = written(random).replace("\n", "\n\nbad line\n", 50)
    whole = read(tmp_path, text, max_ply=60, threads=1)
    np.testing.assert_array_equal(whole.tokens, random.tokens)
    for threads in (1, 2, 3):
        reader = engine.UciReader(
            tmp_path / "games.uci", batch_size=700, max_ply=60, threads=threads
        )
        batches = list(reader)
        assert [len(batch.lengths) for batch in batches] == [700] * 4 + [200]
        np.testing.assert_array_equal(np.concatenate([b.tokens for b in batches]), whole.tokens)
        np.testing.assert_array_equal(np.concatenate([b.numbers for b in batches]), whole.numbers)
        assert (
            reader.report
            == whole.report
            == {"read": 3100, "kept": 3000}
            | CLEAN
            | {
                "empty": 50,
                "malformed": 50,
            }
        )


def test_a_missing_file_and_bad_arguments_are_refused(tmp_path: Path):
    with pytest.raises(OSError, match="cannot be read"):
        engine.parse_uci_file(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="max_ply must be an integer"):
        read(tmp_path, "e2e4", max_ply=0)
    with pytest.raises(ValueError, match="max_games must be an integer"):
        read(tmp_path, "e2e4", max_games=0)

"""Real games from PGN, against python-chess."""

import io
import math
from pathlib import Path

import chess
import chess.pgn
import chess_engine as engine
import numpy as np
import pytest

VOCABULARY = engine.export_move_vocabulary()
MOVES = VOCABULARY.moves
CLEAN = {
    "variant": 0,
    "custom_start": 0,
    "illegal_move": 0,
    "moves_after_end": 0,
    "too_long": 0,
    "empty": 0,
    "malformed": 0,
}


def written(n_games: int, max_ply: int = 160) -> tuple[engine.Games, str]:
    """Random games and their PGN as python-chess writes it."""
    games = engine.generate_random_games(n_games, seed=60, max_ply=max_ply, mate_boost=0.5)
    texts = []
    for tokens, length in zip(games.tokens, games.lengths, strict=True):
        board = chess.Board()
        for token in tokens[:length]:
            board.push_uci(MOVES[token])
        texts.append(str(chess.pgn.Game.from_board(board)))
    return games, "\n\n".join(texts)


def moves(games: engine.PgnGames, i: int = 0) -> str:
    return " ".join(MOVES[t] for t in games.tokens[i, : games.lengths[i]])


def outcome(games: engine.PgnGames, i: int = 0) -> str | None:
    names = {token: name for name, token in VOCABULARY.outcomes.items()}
    return names.get(int(games.outcomes[i]))


def test_san_becomes_the_tokens_it_was_written_from():
    games, text = written(60)
    read = engine.pgn_to_tokens(text, max_ply=160)
    np.testing.assert_array_equal(read.tokens, games.tokens)
    np.testing.assert_array_equal(read.lengths, games.lengths)
    assert read.report == {"read": 60, "kept": 60} | CLEAN
    mates = games.terminations == engine.TERMINATIONS.index("checkmate")
    np.testing.assert_array_equal(read.outcomes[mates], games.outcomes[mates])


@pytest.mark.parametrize(
    "text",
    [
        "1. e4 e5 2. Nf3 *",
        "1.e4 e5 2.Nf3 *",
        "1. e4 e5\r\n2. Nf3\r\n*\r\n",
        '\ufeff[Event "?"]\n\n1. e4 e5 2. Nf3 *',
        "1. e4 {best by test} e5 $1 2. Nf3! (2. f4 exf4 (2... d5)) *",
        "1. e4 ; a line comment ( {\n1... e5 2. Nf3 *",
        "e4 e5 Nf3",
        '[Event "no blank line"]\n1. e4 e5 2. Nf3 *',
        "% an escaped line\n1. e4 e5 2. Nf3 *",
    ],
)
def test_the_main_line_is_read_however_it_is_written(text: str):
    games = engine.pgn_to_tokens(text)
    assert moves(games) == "e2e4 e7e5 g1f3"
    reference = chess.pgn.read_game(io.StringIO(text.removeprefix("\ufeff")))
    assert reference is not None


def test_clocks_and_evaluations_belong_to_the_ply_they_follow():
    text = (
        "1. e4 { [%eval 0.25] [%clk 0:03:00] } e5 2. Nf3 { [%eval #-2] } Nc6 { [%clk 1:00:01.5] } *"
    )
    games = engine.pgn_to_tokens(text, max_ply=6)
    np.testing.assert_array_equal(games.clocks[0], [180, np.nan, np.nan, 3601.5, np.nan, np.nan])
    expected = [0.25, math.nan, -math.inf, math.nan, math.nan, math.nan]
    np.testing.assert_array_equal(games.evaluations[0], np.array(expected, np.float32))


def test_tags_are_kept_and_missing_ones_are_empty():
    text = """
[Site "https://lichess.org/abcd"]
[WhiteElo "1850"]
[BlackElo "?"]
[ECO "C20"]
[TimeControl "180+2"]

1. e4 e5 1-0

1. d4 *
"""
    games = engine.pgn_to_tokens(text)
    assert games.sites == ["https://lichess.org/abcd", ""]
    assert games.eco == ["C20", ""]
    assert games.time_controls == ["180+2", ""]
    assert games.white_elo.tolist() == [1850, -1]
    assert games.black_elo.tolist() == [-1, -1]
    assert games.scores.tolist() == [1, 2]


@pytest.mark.parametrize(
    ("termination", "result", "expected"),
    [
        ("Normal", "1-0", "white_wins_by_resignation"),
        ("Normal", "0-1", "black_wins_by_resignation"),
        ("Normal", "1/2-1/2", "draw_by_agreement"),
        ("Time forfeit", "1-0", "white_wins_on_time"),
        ("Time forfeit", "0-1", "black_wins_on_time"),
        ("Time forfeit", "1/2-1/2", "draw_by_time"),
        ("Abandoned", "1-0", None),
        ("Rules infraction", "0-1", None),
        ("Normal", "*", None),
    ],
)
def test_outcomes_of_games_the_players_ended(termination: str, result: str, expected: str | None):
    text = f'[Termination "{termination}"]\n\n1. e4 e5 {result}'
    games = engine.pgn_to_tokens(text)
    assert outcome(games) == expected
    assert engine.TERMINATIONS[games.terminations[0]] == "unfinished"
    legacy = engine.pgn_to_tokens(text, vocabulary="coordinate")
    assert legacy.outcomes.tolist() == [-1]


def test_a_mate_on_the_board_is_a_mate_whatever_the_tags_say():
    games = engine.pgn_to_tokens('[Termination "Time forfeit"]\n\n1. f3 e5 2. g4 Qh4# 0-1')
    assert outcome(games) == "black_checkmates"
    assert engine.TERMINATIONS[games.terminations[0]] == "checkmate"


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        ("variant", '[Variant "Chess960"]\n\n1. e4 *'),
        ("variant", '[Variant "Crazyhouse"]\n\n1. e4 *'),
        ("custom_start", '[SetUp "1"]\n[FEN "7k/8/8/8/8/8/8/K6R w - - 0 1"]\n\n1. Rh2 *'),
        ("illegal_move", "1. e4 e5 2. Ke3 *"),
        ("illegal_move", "1. Nf3 Nf6 2. Nc3 Nc6 3. Nb4 *"),
        ("illegal_move", "1. Nf3 d5 2. d4 e6 3. Nd2 *"),
        ("illegal_move", "1. e4 -- 2. d4 *"),
        ("moves_after_end", "1. Nf3 Nf6 2. Ng1 Ng8 " * 4 + "1. e4 *"),
        ("too_long", "1. e4 e5 2. Nf3 Nc6 3. Bb5 a6 4. Ba4 *"),
        ("empty", '[Event "x"]\n\n1-0'),
    ],
)
def test_a_game_that_cannot_be_kept_is_counted_with_its_reason(reason: str, text: str):
    max_ply = 6 if reason == "too_long" else 512
    games = engine.pgn_to_tokens(f"1. d4 *\n\n{text}\n\n1. c4 *", max_ply=max_ply)
    assert games.report == {"read": 3, "kept": 2} | CLEAN | {reason: 1}
    assert [moves(games, i) for i in (0, 1)] == ["d2d4", "c2c4"]
    assert games.numbers.tolist() == [0, 2]


def test_a_comment_without_an_end_drops_its_game_only():
    games = engine.pgn_to_tokens("1. d4 *\n\n1. e4 { no end")
    assert games.report == {"read": 2, "kept": 1} | CLEAN | {"malformed": 1}


def test_a_tag_without_an_end_ends_with_its_line():
    broken = '[Event "' + "x" * 20_000
    games = engine.pgn_to_tokens(f'1. d4 *\n\n{broken}\n[Site "here"]\n\n1. e4 *\n\n1. c4 *')
    assert games.report == {"read": 3, "kept": 3} | CLEAN
    assert games.sites == ["", "here", ""]


def test_a_text_that_ends_in_a_tag_is_malformed():
    games = engine.pgn_to_tokens('1. d4 *\n\n[Event "x')
    assert games.report == {"read": 2, "kept": 1} | CLEAN | {"malformed": 1}


def test_a_start_position_written_as_fen_is_the_starting_position():
    games = engine.pgn_to_tokens(f'[FEN "{chess.STARTING_FEN}"]\n\n1. e4 *')
    assert games.report["kept"] == 1


def test_a_file_is_read_at_once_or_in_batches(tmp_path: Path):
    games, text = written(50, 40)
    path = tmp_path / "games.pgn"
    path.write_text(text)
    whole = engine.parse_pgn_file(path, max_ply=40)
    np.testing.assert_array_equal(whole.tokens, games.tokens)
    reader = engine.PgnReader(path, batch_size=16, max_ply=40)
    batches = list(reader)
    assert [len(batch.lengths) for batch in batches] == [16, 16, 16, 2]
    np.testing.assert_array_equal(np.concatenate([b.tokens for b in batches]), games.tokens)
    assert reader.report == whole.report
    few = engine.parse_pgn_file(str(path), max_games=5, max_ply=40)
    np.testing.assert_array_equal(few.tokens, games.tokens[:5])


def raw_frame(data: bytes) -> bytes:
    """A zstd frame of uncompressed blocks, so that no codec is needed to make one."""
    blocks = [data[i : i + 1000] for i in range(0, len(data), 1000)]
    frame = b"\x28\xb5\x2f\xfd" + b"\x00" + b"\x58"
    for i, block in enumerate(blocks):
        header = len(block) << 3 | (i == len(blocks) - 1)
        frame += header.to_bytes(3, "little") + block
    return frame


def test_zstd_files_are_read_like_plain_ones(tmp_path: Path):
    games, text = written(40, 40)
    data = text.encode()
    path = tmp_path / "games.pgn.zst"
    path.write_bytes(raw_frame(data[:5000]) + raw_frame(data[5000:]))
    read = engine.parse_pgn_file(path, max_ply=40)
    np.testing.assert_array_equal(read.tokens, games.tokens)
    path.write_bytes(raw_frame(data)[:-10])
    with pytest.raises(OSError, match="cannot be read"):
        engine.parse_pgn_file(path)


def test_a_missing_file_and_bad_arguments_are_refused(tmp_path: Path):
    with pytest.raises(OSError, match=r"nowhere\.pgn.* cannot be read"):
        engine.parse_pgn_file(tmp_path / "nowhere.pgn")
    for arguments, message in [
        ({"max_ply": 0}, "max_ply must be an integer"),
        ({"vocabulary": "words"}, "searchless, coordinate"),
    ]:
        with pytest.raises(ValueError, match=message):
            engine.pgn_to_tokens("1. e4 *", **arguments)
    with pytest.raises(ValueError, match="max_games must be an integer"):
        engine.parse_pgn_file(tmp_path, max_games=0)


@pytest.mark.parametrize("seed", range(20))
def test_no_text_makes_it_panic(seed: int):
    rng = np.random.default_rng(seed)
    text = bytearray(written(3, 30)[1].encode())
    for _ in range(40):
        text[rng.integers(len(text))] = rng.integers(256)
    report = engine.pgn_to_tokens(text.decode("utf-8", errors="replace")).report
    assert report["read"] == report["kept"] + sum(report[reason] for reason in CLEAN)

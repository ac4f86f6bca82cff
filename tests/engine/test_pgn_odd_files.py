"""PGN off the standard, as sites, editors and mail programs write it, against python-chess."""

import io
from pathlib import Path

import chess.pgn
import chess_engine as engine
import numpy as np
import pytest
from odd_games import MOVETEXTS, TAGS, TYPESET

MOVES = engine.export_move_vocabulary().moves
RESULTS = {1: "1-0", 0: "1/2-1/2", -1: "0-1", 2: "*"}


def uci(games: engine.PgnGames, i: int = 0) -> str:
    return " ".join(MOVES[t] for t in games.tokens[i, : games.lengths[i]])


def games_of(text: str) -> list[str]:
    games = engine.pgn_to_tokens(text)
    return [uci(games, i) for i in range(len(games.lengths))]


def dropped(text: str) -> dict[str, int]:
    report = engine.pgn_to_tokens(text).report
    return {reason: n for reason, n in report.items() if n and reason not in ("read", "kept")}


@pytest.mark.parametrize("oddity", MOVETEXTS)
def test_an_odd_game_is_read_as_python_chess_reads_it(oddity: str):
    text = TAGS + MOVETEXTS[oddity]
    games = engine.pgn_to_tokens(text)
    reference = chess.pgn.read_game(io.StringIO(text))
    assert reference is not None
    assert reference.errors == []
    assert uci(games) == " ".join(move.uci() for move in reference.mainline_moves())
    assert RESULTS[int(games.scores[0])] == reference.headers["Result"]


@pytest.mark.parametrize("moves", TYPESET)
def test_moves_set_in_type_are_read(moves: str):
    assert games_of(TYPESET[moves]) == [moves]


@pytest.mark.parametrize("word", ["--", "Z0", "0000", "@@@@"])
def test_a_null_move_is_named_illegal(word: str):
    assert dropped(f"1. e4 {word} 2. d4 *") == {"illegal_move": 1}


@pytest.mark.parametrize("word", ["Sf3", "\u041af3", "Cf3é", "Ngf3x", "hello"])
def test_words_of_other_languages_are_no_moves_of_pawns(word: str):
    assert dropped(f"1. e4 e5 2. {word} Nc6 *") == {"malformed": 1}


@pytest.mark.parametrize(
    "comment",
    [
        "[%clk\n0:00:49]",
        "[%clk \r\n0:00:49 ] [%eval\n0.31]",
        "[%eval  0.31,\n20] [%clk\t0:00:49]",
        "[ %clk 0:\n00:49\n]",
        "[%emt\n0:00:03] [%clk 0:00:49]",
        "[%csl\nGd4][%cal Ge2e4,\nGd2d4] [%eval # -3]",
    ],
)
def test_commands_may_be_wrapped_at_any_space(comment: str):
    """As python-chess reads them once the white space is what it expects."""
    games = engine.pgn_to_tokens(f"1. e4 {{{comment}}} *", max_ply=1)
    tidy = " ".join(comment.split()).replace("[ ", "[").replace(" ]", "]")
    tidy = tidy.replace(": ", ":").replace(", ", ",").replace("# ", "#")
    reference = chess.pgn.read_game(io.StringIO(f"1. e4 {{{tidy}}} *"))
    assert reference is not None
    node = reference.end()
    clock, score = node.clock(), node.eval()
    assert games.clocks is not None
    assert games.evaluations is not None
    assert clock is not None or score is not None
    np.testing.assert_array_equal(games.clocks, [[np.nan if clock is None else clock]])
    pawns = np.nan
    if score is not None:
        points = score.white().score()
        pawns = -np.inf if points is None else points / 100
    np.testing.assert_array_equal(games.evaluations, np.array([[pawns]], np.float32))


def test_clocks_of_a_file_wrapped_at_80_columns_are_read():
    text = (
        "1. d4 {[%clk 0:01:01]} 1... d5 {[%clk 0:00:56]} 2. c4 {[%clk\n0:00:49]} 2... c6 {[%clk \n"
        "0:00:48] [%eval\n0.31]} 1-0\n"
    )
    games = engine.pgn_to_tokens(text, max_ply=4)
    np.testing.assert_array_equal(games.clocks, [[61, 56, 49, 48]])
    np.testing.assert_array_equal(games.evaluations, np.array([[np.nan] * 3 + [0.31]], np.float32))


INTRODUCTION = """[Event "odds game"]
[SetUp "1"]
[FEN "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKB1R w KQkq - 0 1"]
[Result "1-0"]

{ White gives a knight. }

1. e4 e5 2. d4 1-0

[Event "rated"]
[Result "1-0"]
[WhiteElo "2000"]
[Termination "Abandoned"]

{ An intro. }

{ In two parts,

with an empty line. }
; and a remark

1. e4 e5 2. Nf3 1-0
"""


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r"])
def test_tags_belong_to_the_moves_behind_comments_and_empty_lines(line_break: str):
    games = engine.pgn_to_tokens(INTRODUCTION.replace("\n", line_break))
    assert (games.report["read"], games.report["custom_start"]) == (2, 1)
    assert uci(games) == "e2e4 e7e5 g1f3"
    assert games.white_elo.tolist() == [2000]
    assert games.outcomes.tolist() == [-1]


def test_a_game_with_a_comment_and_no_moves_is_empty():
    text = '[Event "a"]\n\n{one}\n\n[Event "b"]\n\n1. d4 *\n\n[Event "c"]\n\n{two} 1-0'
    assert games_of(text) == ["d2d4"]
    assert dropped(text) == {"empty": 2}


JUNK = [
    "Downloaded from example.org, 12 games\n",
    "=====\nRound 2 of 3, 2024\nsee https://example.org [1]\n",
    "From: a@example.org\nSubject: games {all of them}\n",
    "<html><body><pre>\n",
    "{ Annotated by a friend }\n",
    "[1] a footnote\n[see below]\n",
    "(c) 2024\n",
    "1-0\n",
    "Партии\n",
]


@pytest.mark.parametrize("junk", JUNK)
@pytest.mark.parametrize("gap", ["", "\n"])
def test_junk_between_games_is_no_game(junk: str, gap: str):
    game = '[Event "a"]\n[White "b"]\n\n1. e4 *\n'
    games = engine.pgn_to_tokens(f"{junk}{gap}{game}\n{junk}{gap}{game}{gap}{junk}", tags=True)
    assert games.report["read"] == games.report["kept"] == 2
    assert games.numbers.tolist() == [0, 1]
    assert games.white == ["b", "b"]


@pytest.mark.parametrize("junk", JUNK)
def test_junk_alone_is_no_game(junk: str):
    assert engine.pgn_to_tokens(junk).report["read"] == 0


def test_what_starts_as_a_game_does_is_one_that_is_malformed():
    assert dropped("1. Sf3 d5 2. g3\nLg7 *\n\n1. d4 *") == {"malformed": 1}
    assert dropped("{ no end") == {"malformed": 1}


def test_the_result_tag_counts_where_the_moves_have_none():
    games = engine.pgn_to_tokens(
        '[Result "1-0"]\n\n1. e4 e5\n\n[Result "0-1"]\n\n1. e4 e5 *\n\n'
        '[Result "½-½"]\n\n1. e4 e5\n\n[Result "1-0"]\n\n1. e4 e5 0-1\n\n[Result "?"]\n\n1. e4'
    )
    assert games.scores.tolist() == [1, -1, 0, -1, 2]
    outcomes = engine.export_move_vocabulary().outcomes
    assert games.outcomes[0] == outcomes["white_wins_by_resignation"]


def test_a_result_behind_an_empty_line_is_that_of_the_game():
    games = engine.pgn_to_tokens('[Result "*"]\n\n1. e4 e5\n\n1-0\n\n[Event "b"]\n\n1. d4 *')
    assert games.report["read"] == 2
    assert games.scores.tolist() == [1, 2]


def test_a_part_of_a_game_has_no_result():
    text = '[Result "1-0"]\n\n1. e4 e5\n\n2. Nf3 Nc6 1-0\n\n1. d4 *'
    games = engine.pgn_to_tokens(text)
    assert games.scores.tolist() == [2, 2]
    assert games.outcomes.tolist() == [-1, -1]
    assert dropped(text) == {"malformed": 1}


def test_odd_games_are_the_same_wherever_the_text_is_cut_into_blocks(tmp_path: Path):
    """A block has 262,144 bytes; the odd games are moved over its end."""
    odd = [TAGS + text for text in MOVETEXTS.values()]
    odd += [*TYPESET.values(), INTRODUCTION, *JUNK, '[Result "1-0"]\n\n1. e4 e5\n\n2. Nf3 1-0']
    region = "\n\n".join(odd) + "\n\n1. d4 *\n\n"
    alone = engine.pgn_to_tokens(region, annotations=False)
    n_bytes = len(region.encode())
    path = tmp_path / "odd.pgn"
    for shift in range(0, n_bytes, 13):
        filler = "1. c4 {" + "x" * (262_144 - n_bytes + shift) + "} c5 *\n\n"
        path.write_text(filler + region, newline="", encoding="utf-8")
        games = engine.parse_pgn_file(path, threads=1, annotations=False)
        assert games.report["read"] == alone.report["read"] + 1, shift
        np.testing.assert_array_equal(games.tokens[1:], alone.tokens)
        np.testing.assert_array_equal(games.scores[1:], alone.scores)


PLAYERS = """[Event "Rated blitz"]
[White "Hikaru "H" Nakamura"]
[Black "M\\\\x \\"quoted\\" \\\\"]
[WhiteTitle "GM"]
[Date "2024.??.??"]
[UTCDate "2024.01.31"]
[UTCTime "23:59:58"]
[WhiteElo "1850?"]

1. e4 *

[ White "Stockfish" ]
[BlackTitle "BOT"]
[Date "1999.12.31"]
[Time "12:00:00"]

1. d4 *
"""


def test_players_titles_events_and_dates_come_on_request():
    games = engine.pgn_to_tokens(PLAYERS, tags=True)
    assert games.white == ['Hikaru "H" Nakamura', "Stockfish"]
    assert games.black == ['M\\x "quoted" \\', ""]
    assert games.white_titles == ["GM", ""]
    assert games.black_titles == ["", "BOT"]
    assert games.events == ["Rated blitz", ""]
    assert games.dates == ["2024.01.31", "1999.12.31"]
    assert games.times == ["23:59:58", "12:00:00"]
    assert games.white_elo.tolist() == [1850, -1]
    assert engine.pgn_to_tokens(PLAYERS).white is None


@pytest.mark.parametrize(
    "tag",
    ['WhiteTitle "BOT"', 'BlackTitle "bot"', 'WhiteType "program"', 'BlackIsComp "Yes"'],
)
def test_games_of_bots_are_dropped_on_request(tag: str):
    text = f'[{tag}]\n\n1. e4 *\n\n[WhiteTitle "GM"]\n[BlackType "human"]\n\n1. d4 *'
    games = engine.pgn_to_tokens(text, drop_bots=True)
    assert uci(games) == "d2d4"
    assert (games.report["read"], games.report["kept"], games.report["bot"]) == (2, 1, 1)
    assert "bot" not in engine.pgn_to_tokens(text).report


def test_tags_that_are_not_utf8_are_latin_1(tmp_path: Path):
    path = tmp_path / "old.pgn"
    path.write_bytes(
        '[White "Hübner"]\n[Event "Málaga"]\n\n1. e4 \xb1 e5 \xbd-\xbd'.encode("latin-1")
    )
    games = engine.parse_pgn_file(path, tags=True)
    assert (games.white, games.events) == (["Hübner"], ["Málaga"])
    assert games.scores.tolist() == [0]

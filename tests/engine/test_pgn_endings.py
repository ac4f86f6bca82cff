"""Why games ended, in the words of several sites."""

import chess_engine as engine
import pytest

OUTCOMES = engine.export_move_vocabulary().outcomes

# Site, what it says, the result, the outcome.
WORDS = [
    ("chess.com", "userA won by resignation", "1-0", "white_wins_by_resignation"),
    ("chess.com", "userB won by resignation", "0-1", "black_wins_by_resignation"),
    ("chess.com", "userA won on time", "1-0", "white_wins_on_time"),
    ("chess.com", "userB won on time", "0-1", "black_wins_on_time"),
    ("chess.com", "Game drawn by agreement", "1/2-1/2", "draw_by_agreement"),
    ("chess.com", "Game drawn by repetition", "1/2-1/2", "draw_by_agreement"),
    ("chess.com", "Game drawn by 50-move rule", "1/2-1/2", "draw_by_agreement"),
    ("chess.com", "Game drawn by insufficient material", "1/2-1/2", "draw_by_rule"),
    ("chess.com", "Game drawn by timeout vs insufficient material", "1/2-1/2", "draw_by_time"),
    ("chess.com", "userA won - game abandoned", "1-0", None),
    ("names", "timeout won by resignation", "1-0", "white_wins_by_resignation"),
    ("names", "resignation won on time", "1-0", "white_wins_on_time"),
    ("names", "abandoned won on time", "0-1", "black_wins_on_time"),
    ("Lichess", "Insufficient material", "1/2-1/2", "draw_by_rule"),
    ("Lichess", "Abandoned", "1-0", None),
    ("Lichess", "Rules infraction", "0-1", None),
    ("standard", "time forfeit", "0-1", "black_wins_on_time"),
    ("standard", "normal", "1/2-1/2", "draw_by_agreement"),
    ("FICS", "White resigns", "0-1", "black_wins_by_resignation"),
    ("FICS", "Black forfeits on time", "1-0", "white_wins_on_time"),
    ("FICS", "Game drawn by mutual agreement", "1/2-1/2", "draw_by_agreement"),
    ("FICS", "White forfeits by disconnection", "0-1", None),
    ("FICS", "Neither player has mating material", "1/2-1/2", "draw_by_rule"),
    (
        "FICS",
        "Game drawn because both players ran out of time",
        "1/2-1/2",
        "draw_by_time",
    ),
    (
        "FICS",
        "White ran out of time and Black has no material to mate",
        "1/2-1/2",
        "draw_by_time",
    ),
    ("engines", "adjudication", "1-0", None),
    ("engines", "3-fold repetition", "1/2-1/2", "draw_by_agreement"),
]


def outcome(text: str) -> str | None:
    names = {token: name for name, token in OUTCOMES.items()}
    return names.get(int(engine.pgn_to_tokens(text).outcomes[0]))


@pytest.mark.parametrize(("site", "words", "result", "expected"), WORDS)
def test_a_termination_tag_says_why_the_game_ended(
    site: str, words: str, result: str, expected: str | None
):
    assert outcome(f'[Termination "{words}"]\n\n1. e4 e5 {result}') == expected


@pytest.mark.parametrize(("site", "words", "result", "expected"), WORDS)
def test_without_the_tag_the_comment_behind_the_last_move_says_it(
    site: str, words: str, result: str, expected: str | None
):
    assert outcome(f"1. e4 e5 {{ [%clk 0:00:01] }} {{ {words}. }} {result}") == expected
    assert outcome(f"1. e4 {{{words}}} e5 {result}") in (
        "white_wins_by_resignation",
        "black_wins_by_resignation",
        "draw_by_agreement",
    )


def test_the_tag_of_icc_is_read():
    assert outcome('[ICCResult "White forfeits on time"]\n\n1. e4 e5 0-1') == "black_wins_on_time"


@pytest.mark.parametrize(
    ("words", "result"),
    [
        ("userA won by checkmate", "1-0"),
        ("Game drawn by stalemate", "1/2-1/2"),
        ("userA won by resignation", "1/2-1/2"),
        ("Game drawn by agreement", "1-0"),
        ("userA a gagné par abandon", "1-0"),
        ("Normal", "*"),
    ],
)
def test_an_ending_that_the_game_does_not_show_is_none(words: str, result: str):
    assert outcome(f'[Termination "{words}"]\n\n1. e4 e5 {result}') is None


@pytest.mark.parametrize("words", ["userB won by checkmate", "userB won on time", "abandoned", ""])
def test_the_board_decides_checkmate(words: str):
    text = f'[Termination "{words}"]\n\n1. f3 e5 2. g4 Qh4# {{White resigns}} 0-1'
    assert outcome(text) == "black_checkmates"


@pytest.mark.parametrize("words", ["", "?", "-"])
def test_an_unknown_termination_is_none_said(words: str):
    assert outcome(f'[Termination "{words}"]\n\n1. e4 e5 1-0') == "white_wins_by_resignation"

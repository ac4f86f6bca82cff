"""What a move does and what completions of the task `A:` are worth, against python-chess."""

import math
import re
from dataclasses import dataclass

import chess
import chess_engine as engine
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

START = chess.STARTING_FEN
AFTER_E4 = "rnbqkbnr/pppppppp/8/8/4P3/8/PPPP1PPP/RNBQKBNR b KQkq - 0 1"
RIGHT = f"{AFTER_E4}+0.001+0+0"
COMPONENTS = [name for name in dir(engine.EnvironmentScores) if not name.startswith("_")]


@dataclass
class Step:
    fen: str
    reward: float
    terminated: bool
    truncated: bool

    @property
    def text(self) -> str:
        return f"{self.fen}+{self.reward}+{self.terminated:d}+{self.truncated:d}"


def step(fen: str, uci: str) -> Step:
    """What python-chess says; a single position knows no repetition."""
    board = chess.Board(fen)
    try:
        move = chess.Move.from_uci(uci)
    except chess.InvalidMoveError:
        move = chess.Move.null()
    is_legal = board.is_legal(move)
    if is_legal:
        board.push(move)
    is_over = (
        not any(board.legal_moves)
        or board.is_insufficient_material()
        or board.is_seventyfive_moves()
    )
    reward = 1.0 if board.is_checkmate() else 0.5 if is_over else 0.001
    return Step(board.fen(en_passant="legal"), reward if is_legal else -1.0, is_over, not is_legal)


def deeds(fen: str, uci: str) -> set[str]:
    """What python-chess says that a legal move does."""
    board, move = chess.Board(fen), chess.Move.from_uci(uci)
    if not board.is_legal(move):
        return set()
    done = {
        "en_passant": board.is_en_passant(move),
        "castling": board.is_castling(move),
        "promotion": move.promotion is not None,
    }
    board.push(move)
    done |= {"mate": board.is_checkmate(), "stalemate": board.is_stalemate()}
    return {name for name, is_done in done.items() if is_done}


def names(strata: int) -> set[str]:
    return {name for bit, name in enumerate(engine.STRATA) if strata >> bit & 1}


def scores(completion: str, fen: str = START, uci: str = "e2e4") -> dict[str, object]:
    scored = engine.score_environment([fen], [uci], [completion])
    return {name: getattr(scored, name)[0].tolist() for name in COMPONENTS}


POSITIONS = engine.sample_positions(range(600), seed=11, hard_ratio=0.8)
MOVES = engine.sample_moves(POSITIONS.fens, range(600), seed=11, illegal_ratio=0.3)


def test_steps_are_those_of_python_chess():
    steps = engine.step_environment(POSITIONS.fens, MOVES.ucis)
    seen = set()
    for i, (fen, uci) in enumerate(zip(POSITIONS.fens, MOVES.ucis, strict=True)):
        expected = step(fen, uci)
        told = Step(steps.fens[i], steps.rewards[i], steps.terminated[i], steps.truncated[i])
        assert told == expected, (fen, uci)
        assert steps.legal[i] != steps.truncated[i]
        assert names(int(steps.strata[i])) == deeds(fen, uci), (fen, uci)
        seen.add(expected.reward)
    assert seen == {0.001, 0.5, 1.0, -1.0}


@pytest.mark.parametrize(
    ("fen", "uci"),
    [
        ("8/8/8/8/k2pP2R/8/8/4K3 b - e3 0 1", "d4e3"),
        ("rnbqkbnr/ppp1p1pp/8/3pPp2/8/8/PPPP1PPP/RNBQKBNR w KQkq f6 0 3", "e5f6"),
        ("rnbqkbnr/ppp1p1pp/8/3pPp2/8/8/PPPP1PPP/RNBQKBNR w KQkq f6 0 3", "e5d6"),
        ("r3k2r/8/8/8/8/8/8/R3K2R w KQkq - 0 1", "e1c1"),
        ("r3k2r/8/8/8/8/8/8/R3K2R b kq - 3 7", "e8g8"),
        ("r3k2r/8/8/8/8/5r2/8/R3K2R w KQkq - 0 1", "e1g1"),
        ("2k5/P7/8/8/8/8/8/K7 w - - 0 1", "a7a8q"),
        ("1n5k/P7/8/8/8/8/8/K7 w - - 0 1", "a7b8n"),
        ("7k/P7/8/8/8/8/8/K7 w - - 0 1", "a7a8"),
        ("7k/P7/8/8/8/8/8/K7 w - - 0 1", "a7a8k"),
        ("7k/P7/8/8/8/8/8/K7 w - - 0 1", "a7a8Q"),
        ("4r2k/8/8/8/8/8/4N3/4K3 w - - 0 1", "e2c3"),
        ("k7/8/8/2Q5/8/8/8/K7 w - - 0 1", "c5b6"),
        ("k7/8/1K6/8/8/8/8/7R w - - 149 100", "h1h8"),
        ("7k/8/8/8/8/8/8/KR6 w - - 149 90", "b1b2"),
        ("7k/8/8/8/8/8/8/KR6 w - - 200 150", "b1b2"),
        ("7k/8/8/8/8/8/1r6/K7 w - - 0 1", "a1b2"),
        ("k6R/8/1K6/8/8/8/8/8 b - - 10 40", "a8a7"),
        (START, ""),
        (START, "0000"),
        (START, "♔"),
    ],
)
def test_rules_with_a_catch_are_those_of_python_chess(fen: str, uci: str):
    steps = engine.step_environment([fen], [uci])
    told = Step(steps.fens[0], steps.rewards[0], steps.terminated[0], steps.truncated[0])
    assert told == step(fen, uci)
    assert scores(told.text, fen, uci)["exact"]


def test_castling_is_the_kings_two_step_only():
    steps = engine.step_environment(["4k3/8/8/8/8/8/8/4K2R w K - 0 1"] * 2, ["e1g1", "e1h1"])
    assert steps.legal.tolist() == [True, False]


def test_a_fifth_repetition_ends_a_game_that_is_known_from_the_start():
    fen = "rnbqkb1r/pppppppp/5n2/8/8/8/PPPPPPPP/RNBQKBNR b KQkq - 15 8"
    game = (["g1f3", "g8f6", "f3g1", "f6g8"] * 4)[:-1]
    known = engine.step_environment([fen], ["f6g8"], [game])
    assert (known.rewards[0], known.terminated[0]) == (0.5, True)
    alone = engine.step_environment([fen], ["f6g8"])
    assert (alone.rewards[0], alone.terminated[0]) == (0.001, False)
    with pytest.raises(ValueError, match=r"games\[0\] = .* leads to .*, not to fens\[0\]"):
        engine.step_environment([fen], ["f6g8"], [game[:-2]])
    with pytest.raises(ValueError, match=r'games\[0\] = .* move 0, "e2e5", is not legal'):
        engine.step_environment([fen], ["f6g8"], [["e2e5"]])


def test_rows_are_those_of_the_reference():
    history = ["g1f3", "g8f6"] * 5
    assert engine.environment_rows([START], ["e2e4"], [[]]) == (
        [f"A: {START}+e2e4+e2e4+"],
        [RIGHT],
    )
    assert engine.environment_rows([START], ["e2e4"])[0] == [f"A: {START}+e2e4+"]
    prompt = engine.environment_rows([START], ["e2e4"], [history])[0][0]
    assert prompt == f"A: {START}+e2e4+{' '.join([*history[-9:], 'e2e4'])}+"
    prompts, completions = engine.environment_rows(POSITIONS.fens, MOVES.ucis, POSITIONS.histories)
    assert engine.score_environment(POSITIONS.fens, MOVES.ucis, completions).exact.all()
    assert completions == [step(*row).text for row in zip(POSITIONS.fens, MOVES.ucis, strict=True)]
    assert all(prompt.count("+") == 3 for prompt in prompts)


def test_the_right_completion_has_every_component():
    for completion in (RIGHT, f"  {RIGHT}\n", RIGHT.replace(" ", "\t  ")):
        assert scores(completion) == {
            "parsed": True,
            "fen_valid": True,
            "fen_exact": True,
            "fen_fields": [True] * 6,
            "fen_similarity": 1.0,
            "reward_parsed": True,
            "reward_error": 0.0,
            "reward_exact": True,
            "flags_parsed": True,
            "terminated_right": True,
            "truncated_right": True,
            "exact": True,
        }


@pytest.mark.parametrize(
    ("completion", "wrong"),
    [
        # Not the right FEN, though it may be read as the same position.
        (RIGHT.replace("KQkq -", "KQkq e3"), {"fen_exact", "fen_fields", "fen_similarity"}),
        (
            RIGHT.replace("KQkq", "qkQK"),
            {"fen_exact", "fen_valid", "fen_fields", "fen_similarity"},
        ),
        (
            RIGHT.replace(" 0 1+", " 00 1+"),
            {"fen_exact", "fen_valid", "fen_fields", "fen_similarity"},
        ),
        (
            RIGHT.replace("/8/8/4P3", "/8/44/4P3"),
            {"fen_exact", "fen_valid", "fen_fields", "fen_similarity"},
        ),
        (
            RIGHT.replace(" ", "_"),
            {"fen_exact", "fen_valid", "fen_fields", "fen_similarity"},
        ),
        (
            RIGHT.replace("rnbqkbnr", "rnbq1bnr"),
            {"fen_exact", "fen_valid", "fen_fields", "fen_similarity"},
        ),
        (
            RIGHT.replace(" 0 1+", " 0 1 1+"),
            {"fen_exact", "fen_valid", "fen_fields", "fen_similarity"},
        ),
        (
            RIGHT.replace(" 0 1+", "\u00a00 1+"),
            {"fen_exact", "fen_valid", "fen_fields", "fen_similarity"},
        ),
        # The rewards of another step, and numbers that Python would read.
        (RIGHT.replace("0.001", "0.0"), {"reward_exact", "reward_error"}),
        (RIGHT.replace("0.001", "0.00101"), {"reward_exact", "reward_error"}),
        (RIGHT.replace("0.001", "0.0010"), set()),
        (RIGHT.replace("0.001", "00.001"), {"reward_parsed", "reward_exact", "reward_error"}),
        (RIGHT.replace("0.001", "1e-3"), {"reward_parsed", "reward_exact", "reward_error"}),
        (RIGHT.replace("0.001", "nan"), {"reward_parsed", "reward_exact", "reward_error"}),
        (RIGHT.replace("0.001", "inf"), {"reward_parsed", "reward_exact", "reward_error"}),
        (RIGHT.replace("0.001", "9" * 400), {"reward_parsed", "reward_exact", "reward_error"}),
        (
            RIGHT.replace("0.001", "\uff10.\uff10\uff10\uff11"),
            {"reward_parsed", "reward_exact", "reward_error"},
        ),
        (RIGHT.replace("0.001", ""), {"reward_parsed", "reward_exact", "reward_error"}),
        # Flags.
        (RIGHT[:-1] + "1", {"truncated_right"}),
        (RIGHT[:-3] + "1+0", {"terminated_right"}),
        (RIGHT[:-1] + "False", {"flags_parsed", "truncated_right"}),
        (RIGHT[:-1] + "00", {"flags_parsed", "truncated_right"}),
        # Fields.
        (RIGHT + "+", {"parsed"}),
        (RIGHT + "+0", {"parsed"}),
        (RIGHT.replace("+", " + "), set()),
        (RIGHT[:-2], {"parsed", "flags_parsed", "truncated_right"}),
        (
            "+" + RIGHT,
            {
                *("parsed", "fen_exact", "fen_valid", "fen_fields", "fen_similarity"),
                *("reward_parsed", "reward_exact", "reward_error"),
                *("flags_parsed", "terminated_right"),
            },
        ),
    ],
)
def test_what_is_not_right_is_wrong_in_its_own_components(completion: str, wrong: set[str]):
    right, told = scores(RIGHT), scores(completion)
    different = {name for name in COMPONENTS if told[name] != right[name]}
    assert different == wrong | {"exact"}


def test_similarity_is_one_minus_the_levenshtein_distance_over_the_longer():
    assert scores("")["fen_similarity"] == 0.0
    assert scores(AFTER_E4[1:])["fen_similarity"] == 1 - 1 / len(AFTER_E4)
    assert scores(AFTER_E4 + "xx")["fen_similarity"] == 1 - 2 / (len(AFTER_E4) + 2)
    assert scores("ü" * 500)["fen_similarity"] == 0.0


LETTERS = "pnbrqkPNBRQK12345678/ -wbKQkq+.01nainf\t\n♔\uff11\x00"


@given(st.one_of(st.text(), st.text(LETTERS), st.characters(codec=None).map(lambda c: c * 9)))
@settings(max_examples=300, deadline=None)
def test_any_text_is_scored(noise: str):
    for completion in (noise, RIGHT + noise, noise + RIGHT, RIGHT[:20] + noise + RIGHT[20:]):
        told = scores(completion)
        assert 0.0 <= told["fen_similarity"] <= 1.0  # type: ignore[operator]
        error = told["reward_error"]
        assert isinstance(error, float)
        assert math.isnan(error) != told["reward_parsed"]
        assert told["exact"] == (re.sub(r"[ \t\n\r\f]+", " ", completion).strip(" ") == RIGHT)


def test_a_lone_surrogate_and_a_huge_text_are_scored():
    for completion in ("\ud800" + RIGHT, RIGHT + "8" * 1_000_000, "+" * 1_000_000):
        assert not scores(completion)["exact"]


def test_a_bad_fen_is_named_with_its_index():
    for call in (
        lambda fens: engine.step_environment(fens, ["e2e4"] * 2),
        lambda fens: engine.score_environment(fens, ["e2e4"] * 2, ["", ""]),
        lambda fens: engine.environment_rows(fens, ["e2e4"] * 2),
    ):
        with pytest.raises(ValueError, match=r'fens\[1\] = "8/8": not a legal chess position: '):
            call([START, "8/8"])
    with pytest.raises(ValueError, match=r"ucis must be as long as fens, 1, got 2"):
        engine.step_environment([START], ["e2e4", "e2e4"])
    with pytest.raises(ValueError, match=r"completions must be a sequence of str, got"):
        engine.score_environment([START], ["e2e4"], RIGHT)
    for uci in ("e2+e4", "e2 e4", "", "é2e4"):
        with pytest.raises(ValueError, match=r"ucis\[0\] = .*: a move is ASCII letters"):
            engine.environment_rows([START], [uci])


def test_no_completions_give_no_scores():
    none = engine.score_environment([], [], [])
    assert none.fen_fields.shape == (0, 6)
    assert none.exact.dtype == np.bool_

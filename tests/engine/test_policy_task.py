"""Rows and scores of the task `P:`."""

import math

import chess
import chess_engine as engine
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

START = chess.STARTING_FEN
ANALYSIS = [("e2e4", 35), ("d2d4", 30), ("g1f3", 20), ("c2c4", -5), ("b1c3", 0)]
RIGHT = " d2d4 e2e4 b1c3 g1f3 c2c4 E: 0.3 0.35 0.0 0.2 -0.05 B: e2e4"
COMPONENTS = [name for name in dir(engine.PolicyScores) if not name.startswith("_")]
WHOLE = {
    "parsed": True,
    "markers": True,
    "moves": 5,
    "evals": 5,
    "wanted": 5,
    "counts_equal": True,
    "legal": 1.0,
    "best_legal": True,
    "best_rank": 0,
    "best_in_listed": True,
    "hits": 5,
    "jaccard": 1.0,
    "evals_compared": 5,
    "eval_error": 0.0,
    "eval_sign_errors": 0,
    "eval_within_one": 5,
    "eval_closeness": 1.0,
    "exact": True,
}


def scores(completion: str, analysis: list = ANALYSIS, others: list | None = None) -> dict:
    evaluations = None if others is None else [others]
    scored = engine.score_policy([START], [completion], [analysis], evaluations)
    return {name: getattr(scored, name)[0].item() for name in COMPONENTS}


def changes(completion: str) -> dict:
    told = scores(completion)
    return {name: told[name] for name in COMPONENTS if told[name] != WHOLE[name]}


def row(native: bool, number: int = 0, fen: str = START, analysis: list = ANALYSIS) -> tuple:
    prompts, completions = engine.policy_rows([fen], [analysis], [number], seed=1, native=native)
    assert prompts == engine.policy_prompts([fen], native=native)
    return prompts[0], completions[0]


def test_a_native_row_has_the_published_columns():
    prompt, completion = row(native=True)
    text = prompt + completion
    assert len(text) == 176
    assert (text[:3], text[93:96], text[126:129], text[169:172]) == ("P: ", "M: ", "E: ", "B: ")
    assert text[3:93].rstrip() == START
    assert (prompt[-2:], completion[:1]) == ("M:", " ")
    promoting = "7k/P7/8/8/8/8/8/K7 w - - 0 1"
    prompt, completion = row(True, fen=promoting, analysis=[("a7a8q", 99_999)])
    assert len(prompt + completion) == 177
    assert completion.split() == ["a7a8q", "E:", "999.99", "B:", "a7a8q"]


def test_a_normalised_row_is_the_native_one_with_single_blanks():
    for number in range(5):
        native, normalised = row(True, number), row(False, number)
        assert normalised[0] == " ".join(native[0].split())
        assert normalised[1] == " " + " ".join(native[1].split())


def test_entries_are_shuffled_together_by_number_and_the_best_stays():
    orders = set()
    for number in range(200):
        moves, _, rest = row(False, number)[1].partition(" E: ")
        evals, _, best = rest.partition(" B: ")
        pairs = dict(zip(moves.split(), evals.split(), strict=True))
        assert pairs == {uci: str(centipawns / 100) for uci, centipawns in ANALYSIS}
        assert best == "e2e4"
        orders.add(moves)
    assert len(orders) > 80
    assert row(False, 3) == row(False, 3)


@pytest.mark.parametrize(
    "centipawns", [0, 1, -1, 10, 5, 99, 100, -100, 101, 120, 99_999, -99_999, 100_000, 123_450]
)
def test_evaluations_are_written_as_python_writes_pawns(centipawns: int):
    completion = row(False, analysis=[("e2e4", centipawns)])[1]
    assert completion == f" e2e4 E: {centipawns / 100} B: e2e4"


def test_the_best_move_is_the_side_to_moves_for_black_too():
    fen = "rnbqkbnr/pppppppp/8/8/4P3/8/PPPP1PPP/RNBQKBNR b KQkq - 0 1"
    completion = row(False, fen=fen, analysis=[("e7e5", -20), ("c7c5", -25)])[1]
    assert completion.endswith(" B: e7e5")


def test_rows_of_any_order_and_width_are_exact():
    for number in range(20):
        for native in (True, False):
            assert scores(row(native, number)[1]) == WHOLE
    assert scores(RIGHT) == WHOLE
    published = f"{'e2e4 d2d4 g1f3 c2c4 b1c3':<30}E: {'0.35 0.3 0.2 -0.05 0.0':<40}B: e2e4"
    assert scores(published) == WHOLE


def test_each_fault_is_told_by_its_own_components():
    assert changes(RIGHT.replace("B: e2e4", "B: d2d4")) == {"best_rank": 1, "exact": False}
    assert changes(RIGHT.replace("B: e2e4", "B: a2a3")) == {
        "best_rank": -1,
        "best_in_listed": False,
        "exact": False,
    }
    illegal = {"best_rank": -2, "best_legal": False, "best_in_listed": False, "exact": False}
    assert changes(RIGHT.replace("B: e2e4", "B: e2e5")) == illegal
    for best in ("B: e2e4 d2d4", "B:", "B: E2E4", "B: e2e4q"):
        parsed = {} if best == "B: e2e4q" else {"parsed": False}
        assert changes(RIGHT.replace("B: e2e4", best)) == illegal | parsed
    shifted = changes(RIGHT.replace("0.3 0.35", "0.35 0.3"))
    assert shifted == {
        "eval_error": pytest.approx(0.02),
        "eval_closeness": pytest.approx(0.98),
        "exact": False,
    }
    assert changes(RIGHT.replace("0.35", "-3.35")) == {
        "eval_error": pytest.approx(0.74),
        "eval_sign_errors": 1,
        "eval_within_one": 4,
        "eval_closeness": pytest.approx(0.8),
        "exact": False,
    }


def test_listing_a_move_again_gains_nothing():
    again = scores(" e2e4 e2e4 e2e4 e2e4 e2e4 E: 0.35 0.35 0.35 0.35 0.35 B: e2e4")
    assert (again["legal"], again["hits"], again["jaccard"]) == (0.2, 1, 0.2)
    assert (again["evals_compared"], again["eval_closeness"]) == (1, 0.2)
    alone = scores(" e2e4 E: 0.35 B: e2e4")
    assert (alone["legal"], alone["jaccard"], alone["eval_closeness"]) == (1.0, 0.2, 0.2)
    assert (again["exact"], alone["exact"]) == (False, False)
    padded = scores(RIGHT.replace(" E:", " e2e4 E:").replace(" B:", " 0.35 B:"))
    assert (padded["legal"], padded["hits"]) == (pytest.approx(5 / 6), 5)
    assert padded["eval_closeness"] == pytest.approx(5 / 6)


@pytest.mark.parametrize(
    "completion",
    [
        RIGHT.replace("E:", "B:"),
        RIGHT.replace("E:", "E: E:"),
        RIGHT + " B: e2e4",
        RIGHT.replace("E:", "E:0.3"),
        " e2e4 B: e2e4 E: 0.35",
        " e2e4 d2d4",
        "",
    ],
)
def test_markers_stand_once_and_in_order(completion: str):
    told = scores(completion)
    assert (told["markers"], told["parsed"], told["exact"]) == (False, False, False)


def test_words_that_are_no_moves_or_numbers_are_not_counted():
    told = scores(" e2e4 Nf3 d2d4 E: 0.35 nan \uff10.3 B: e2e4")
    assert (told["parsed"], told["markers"], told["moves"], told["evals"]) == (False, True, 2, 1)
    assert told["legal"] == pytest.approx(2 / 3)
    # The evaluation of d2d4 is at the third place, where no number is.
    assert (told["evals_compared"], told["eval_error"]) == (1, 0.0)


def test_moves_outside_the_analysis_are_compared_where_their_evaluation_is_known():
    completion = " a2a3 E: -1.5 B: a2a3"
    assert math.isnan(scores(completion)["eval_error"])
    told = scores(completion, others=[("a2a3", 50)])
    assert (told["evals_compared"], told["eval_error"]) == (1, 2.0)
    assert (told["eval_sign_errors"], told["eval_within_one"], told["hits"]) == (1, 0, 0)


@given(st.one_of(st.text(), st.text(" abcdefgh12345678EB:.-0qn\n\u00a0♔")))
@settings(max_examples=300, deadline=None)
def test_any_text_is_scored(noise: str):
    for completion in (noise, RIGHT + noise, noise + RIGHT, RIGHT[:30] + noise + RIGHT[30:]):
        told = scores(completion)
        assert all(0.0 <= told[name] <= 1.0 for name in ("legal", "jaccard", "eval_closeness"))
        assert math.isnan(told["eval_error"]) == (told["evals_compared"] == 0)


def test_a_huge_text_and_a_lone_surrogate_are_scored():
    assert scores(" e2e4" * 200_000)["moves"] == 200_000
    assert not scores("\udfff" + RIGHT)["parsed"]


def test_bad_analyses_are_named_with_their_index():
    def refused(analysis: object, match: str) -> None:
        for call in (
            lambda: engine.score_policy([START] * 2, ["", ""], [ANALYSIS, analysis]),
            lambda: engine.policy_rows([START] * 2, [ANALYSIS, analysis], [0, 1], seed=1),
        ):
            with pytest.raises(ValueError, match=match):
                call()

    refused([], r"analyses\[1\] = .*: at least one move is needed")
    refused([("e2e5", 1)], r'analyses\[1\] = "e2e5": not a legal move in ')
    refused([("e2e4", 1), ("e2e4", 2)], r'analyses\[1\] = "e2e4": listed twice')
    for far in (10**9, -(2**63)):
        refused([("e2e4", far)], r"analyses\[1\] = .* centipawns, further than 10000000 from 0")
    refused([("e2e4", "x")], r"analyses must be a sequence of lists of \(uci, centipawns\)")
    refused([("e2e4", 2**70)], r"analyses must be a sequence of lists of \(uci, centipawns\)")
    with pytest.raises(ValueError, match=r'fens\[0\] = "": not a legal chess position'):
        engine.policy_prompts([""])

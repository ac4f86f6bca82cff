"""The published schemes give the figures of their papers' code, computed here by hand."""

from collections.abc import Mapping

import numpy as np
import pytest

from pawn_core.tasks import Scored, Scores, TaskPrompt, build_scheme
from pawn_core.tasks.analysis import Analysis, Line
from pawn_core.tasks.environment import EnvironmentAnswer
from pawn_core.tasks.policy import PolicyAnswer

WHITE = "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - 0 1"
BLACK = "rnbqkbnr/pppppppp/8/8/4P3/8/PPPP1PPP/RNBQKBNR b KQkq - 0 1"
TOP = Analysis(
    tuple(
        Line(uci, centipawns)
        for uci, centipawns in (
            ("e2e4", 50),
            ("d2d4", 40),
            ("g1f3", 30),
            ("c2c4", 20),
            ("b1c3", -30),
        )
    )
)
PERFECT = " e2e4 d2d4 g1f3 c2c4 b1c3 E: 0.5 0.4 0.3 0.2 -0.3 B: e2e4"
SHUFFLED = " b1c3 e2e4 c2c4 d2d4 g1f3 E: -0.3 0.5 0.2 0.4 0.3 B: e2e4"
AFTER = "rnbqkbnr/pppppppp/8/8/4P3/8/PPPP1PPP/RNBQKBNR b KQkq - 0 1"
RIGHT = f"{AFTER}+0.001+0+0"


def reward(scheme: str, scored: Scored, shaping: str | None = None) -> float:
    return float(build_scheme(scheme, {}, shaping).rewards(scored)[0])


def policy(completion: str, *, fen: str = WHITE, best_rank: int = 0, legal: float = 1.0) -> Scored:
    answer = PolicyAnswer(TOP, PERFECT)
    return scored("policy", fen, answer, completion, {"best_rank": best_rank, "legal": legal})


def environment(
    completion: str, *, right: str = RIGHT, similarity: float = 1.0, fen_valid: bool = True
) -> Scored:
    details = {"fen_similarity": similarity, "fen_valid": fen_valid}
    return scored("environment", WHITE, EnvironmentAnswer("e2e4", right), completion, details)


def scored(
    task: str, fen: str, answer: object, completion: str, details: Mapping[str, float]
) -> Scored:
    prompt = TaskPrompt(task, 0, "", fen, 0, answer)
    arrays = {name: np.array([value]) for name, value in details.items()}
    scores = Scores({}, arrays, np.array([True]))
    return Scored(task, np.array([0]), [prompt], [completion], scores)


@pytest.mark.parametrize(
    ("completion", "expected"),
    [
        (PERFECT, 2.0),
        (PERFECT.replace("B: e2e4", "B: d2d4"), 1.0),
        (" a2a3 a2a4 b2b3 b2b4 e2e4 E: 1.5 1.4 1.3 1.2 0.7 B: a2a3", 0.3 + 0.1 + 0.2 * 0.99),
        (" e2e4 d2d4 E: 0.5 0.4 B: e2e4", -0.3),
        (" e2e4 d2d4 g1f3 c2c4 b1c3", -1.0),
    ],
    ids=["perfect", "another best move", "a pawn off", "too few", "no marks"],
)
def test_the_seed_rewards_structure_then_content(completion: str, expected: float) -> None:
    assert reward("rookworld", policy(completion)) == pytest.approx(expected)


def test_the_seed_takes_the_last_move_for_the_best_of_black() -> None:
    assert reward("rookworld", policy(PERFECT, fen=BLACK)) == pytest.approx(1.0)
    worst = PERFECT.replace("B: e2e4", "B: b1c3")
    assert reward("rookworld", policy(worst, fen=BLACK)) == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("completion", "expected"),
    [
        (PERFECT, 1.0),
        (" e2e4 d2d4 E: 0.5 0.4 B: a2a3", 0.8),
        (" a2a3 a2a4 E: 9 9 B: a2a3", 0.6),
        (" a2a3 E: 9 B: a2a3", 0.4),
        (" a2a3", 0.2),
        ("", -0.1),
    ],
)
def test_the_graduated_seed_climbs_in_steps(completion: str, expected: float) -> None:
    assert reward("rookworld_graduated", policy(completion)) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("completion", "expected"),
    [
        (RIGHT, 1.5),
        (f"{AFTER}+0.501+1+0", 0.1 + 1.0 + 0.3 * 0.5),
        ("x" * 40 + "+0.001+0+0", 0.1 + 0.3 + 0.1),
        (f"{AFTER}+0.001+0", -1.0),
        (f"{AFTER}+nan+0+0", -1.0),
        (f"{AFTER}+{'9' * 400}+0+0", -1.0),
    ],
    ids=["right", "wrong reward and flag", "unlike", "three fields", "no number", "beyond numbers"],
)
def test_the_seed_rewards_an_environment(completion: str, expected: float) -> None:
    for scheme in ("rookworld", "rookworld_graduated"):
        assert reward(scheme, environment(completion)) == pytest.approx(expected)


THE_CONSTANT = (
    " e2e4 d2d4 g1f3 a2a3 a2a4 b2b3 b2b4 c2c3 d2d3 e2e3 E: 1.85 1.66 1.47 0 0 0 0 0 0 0 B: a2a3"
)
"""Legal best .2, candidates 3 of 10, evaluations off by .9 of 1 + their size."""


def test_mini_gives_the_constant_of_published_runs() -> None:
    legal = policy(THE_CONSTANT, best_rank=-1)
    raw = (4 * 0.2 + 2 + 1.5 * 0.3 + 1 * 0.1) / 8.5
    assert raw == pytest.approx(0.394, abs=5e-4)
    assert reward("mini", legal) == pytest.approx(0.212, abs=5e-4)
    assert reward("mini", legal, "graduated") == 0.2
    assert reward("mini", legal, "binary") == pytest.approx(-0.3 + 0.1)


@pytest.mark.parametrize(
    ("rank", "best"), [(0, 1.0), (1, 0.7), (2, 0.7), (4, 0.5), (-1, 0.2), (-2, 0.0)]
)
def test_mini_ranks_the_best_move(rank: int, best: float) -> None:
    raw = (4 * best + 2 + 1.5 + 1) / 8.5
    assert reward("mini", policy(SHUFFLED, best_rank=rank)) == pytest.approx(-0.3 + 1.3 * raw)


def test_mini_rewards_an_environment() -> None:
    assert reward("mini", environment(RIGHT)) == pytest.approx(1.0)
    half = environment(f"{AFTER}x+0.005+0+0", similarity=0.5)
    fen = (np.exp(1.5) - 1) / (np.exp(3) - 1)
    assert reward("mini", half) == pytest.approx(-0.3 + 1.3 * (4 + 3 * fen + 2 + 1) / 10)
    assert reward("mini", environment(f"{AFTER}+0.001+0+2")) == pytest.approx(-0.3)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (environment(RIGHT), 0.54),
        (environment(AFTER[:-1] + "2+0.001+0+0"), 0.03 - 0.3 + 0.01),
        (environment(WHITE + "+0.001+0+0"), -0.66),
        (environment(WHITE + "+0.001+0+no"), -0.67),
        (environment("8/8+0.001+0+0", fen_valid=False), -0.87),
        (environment(RIGHT, right=f"{WHITE}+-1.0+0+1"), -0.8),
    ],
    ids=["perfect", "move number", "wrong", "a type", "no board", "an illegal move"],
)
def test_trl_gives_its_published_figures_for_an_environment(found: Scored, expected: float) -> None:
    assert reward("trl", found) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (policy(PERFECT), 1.0),
        (policy(SHUFFLED, best_rank=2), 0.5 * 0.6 + 0.3 + 0.2),
        (
            policy(" e2e4 d2d5 E: 0.5 B: d2d5", best_rank=-2, legal=0.5),
            -0.5 + 0.3 * (1 / 6 + 0.1 - 0.3) + 0.2 * -0.4,
        ),
        (
            policy(" e2e4 b1c3 E: -0.5 -0.3 B: a2a3", best_rank=-1),
            0.05 + 0.3 * (0.4 + 0.1) + 0.2 * (0.5 - 0.4),
        ),
        (policy("", best_rank=-2, legal=0.0), -0.25 - 0.09 - 0.04),
    ],
    ids=["perfect", "shuffled", "illegal, a count off", "a sign", "empty"],
)
def test_trl_sums_bonuses_and_penalties(found: Scored, expected: float) -> None:
    assert reward("trl", found) == pytest.approx(expected)

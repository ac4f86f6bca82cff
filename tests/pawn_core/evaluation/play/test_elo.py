"""Elo differences and their intervals from pairs of games."""

import numpy as np
import pytest

from pawn_core.evaluation.play.elo import PAIR_SCORES, elo, mean_score


def test_elo_is_the_logistic_difference() -> None:
    assert elo(0.5) == 0
    assert elo(10 / 11) == pytest.approx(400)
    assert elo(0.76) == pytest.approx(200.24, abs=0.01)
    assert elo(0.0) is None
    assert elo(1.0) is None


def test_with_many_pairs_the_interval_is_the_normal_one_of_the_pair_scores() -> None:
    pairs = np.array([390, 1400, 4200, 2900, 1110])
    scores = np.repeat(PAIR_SCORES, pairs)
    margin = 1.96 * scores.std() / len(scores) ** 0.5
    score = mean_score(pairs.tolist())
    assert score.value == pytest.approx(scores.mean())
    assert score.low == pytest.approx(scores.mean() - margin, abs=margin / 50)
    assert score.high == pytest.approx(scores.mean() + margin, abs=margin / 50)


def test_a_variance_of_pairs_is_not_that_of_games() -> None:
    alike, opposed = mean_score([50, 0, 0, 0, 50]), mean_score([0, 0, 100, 0, 0])
    assert alike.value == opposed.value == 0.5
    assert opposed.high - opposed.low < (alike.high - alike.low) / 4


@pytest.mark.parametrize("pairs", [1, 2, 20, 500])
def test_pairs_that_are_all_alike_leave_doubt(pairs: int) -> None:
    won = mean_score([0, 0, 0, 0, pairs])
    assert (won.value, won.high) == (1.0, pytest.approx(1.0))
    assert won.low == pytest.approx(np.exp(-1.9207 / pairs), abs=1e-4)
    lost = mean_score([pairs, 0, 0, 0, 0])
    assert (lost.value, lost.high) == (0.0, pytest.approx(1 - won.low))
    drawn = mean_score([0, 0, pairs, 0, 0])
    assert drawn.low < 0.5 < drawn.high
    assert drawn.high - drawn.value == pytest.approx(drawn.value - drawn.low)


@pytest.mark.parametrize("pairs", [8, 40])
@pytest.mark.parametrize("law", [(0.1, 0.2, 0.4, 0.2, 0.1), (0.0, 0.05, 0.15, 0.3, 0.5)])
def test_the_interval_holds_the_truth_in_95_of_100_matches(law, pairs: int) -> None:
    seed = 20
    print(f"seed {seed}")
    truth = float(np.dot(law, PAIR_SCORES))
    matches = np.random.default_rng(seed).multinomial(pairs, law, 200)
    held = [low <= truth <= high for _, low, high in map(mean_score, matches.tolist())]
    assert 0.9 <= np.mean(held) <= 0.995


def test_no_pair_is_refused() -> None:
    with pytest.raises(ValueError, match="no pair of games has been played"):
        mean_score([0, 0, 0, 0, 0])

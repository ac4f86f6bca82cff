"""Two samples of one law are told from two laws, at the rates that the tests promise."""

import numpy as np
import pytest

from pawn_core.evaluation.generated.two_samples import (
    compare,
    difference_of_means,
    kolmogorov_smirnov,
    total_variation,
)

LAW = np.array([0.08, 0.08, 0.06, 0.61, 0.17])


def counts(law: np.ndarray, games: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).multinomial(games, law)


def test_the_statistics_are_those_of_their_definitions() -> None:
    a, b = np.array([3, 1, 0]), np.array([0, 2, 2])
    assert total_variation(a, b) == pytest.approx((0.75 + 0.25 + 0.5) / 2)
    assert kolmogorov_smirnov(a, b) == pytest.approx(0.75)
    assert total_variation(a, 5 * a) == kolmogorov_smirnov(a, 5 * a) == 0


@pytest.mark.parametrize("statistic", [total_variation, kolmogorov_smirnov])
def test_under_one_law_p_is_below_a_level_as_often_as_it_says(statistic) -> None:
    p = [
        compare(counts(LAW, 150, seed), counts(LAW, 400, 1000 + seed), statistic, seed).p
        for seed in range(400)
    ]
    for level in (0.1, 0.5):  # four standard errors of a share of 400
        assert np.mean(np.array(p) <= level) == pytest.approx(level, abs=0.1)


@pytest.mark.parametrize("statistic", [total_variation, kolmogorov_smirnov])
def test_another_law_has_a_small_p(statistic) -> None:
    other = np.array([0.16, 0.16, 0.06, 0.45, 0.17])
    comparison = compare(counts(LAW, 400, 0), counts(other, 400, 1), statistic, 0)
    assert comparison.p < 0.001
    assert comparison.value > 2 * comparison.expected


def test_the_interval_of_a_difference_holds_it_in_95_of_100_samples() -> None:
    values, other = np.arange(5), np.array([0.2, 0.2, 0.2, 0.2, 0.2])
    truth = LAW @ values - other @ values
    held = [
        low <= truth <= high
        for seed in range(400)
        for _, low, high in [
            difference_of_means(counts(LAW, 200, seed), counts(other, 300, 9 + seed), values, seed)
        ]
    ]
    assert 0.91 <= np.mean(held) <= 0.985

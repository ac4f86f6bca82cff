"""Intervals cover what they promise, by simulation and by published numbers."""

import random

import numpy as np
import pytest

from pawn_core.evaluation import intervals
from pawn_core.evaluation.intervals import exact, over_games, share_over_games


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [
        # R 4: binom.test(x, n)$conf.int
        (0, 10, 0.0, 0.3084971),
        (10, 10, 0.6915029, 1.0),
        (1, 10, 0.002528579, 0.4450161),
        (7, 21, 0.1458769, 0.5696755),
    ],
)
def test_the_exact_interval_is_that_of_clopper_and_pearson(successes, trials, low, high) -> None:
    interval = exact(successes, trials)
    assert interval == pytest.approx((low, high), abs=2e-7)


def test_the_exact_interval_of_a_million_trials_is_near_the_normal_one() -> None:
    n, p = 1_000_000, 0.3
    half = 1.959964 * (p * (1 - p) / n) ** 0.5
    assert exact(300_000, n) == pytest.approx((p - half, p + half), abs=2e-6)


def test_games_are_resampled_whole() -> None:
    """Of 40 games, each all right or all wrong, positions would claim a tenth of the width."""
    right_g = np.repeat([100, 0], [20, 20])
    low, high = over_games(right_g, np.full(40, 100))
    assert low == pytest.approx(0.5 - 1.96 * 0.5 / 40**0.5, abs=0.03)
    assert high == pytest.approx(0.5 + 1.96 * 0.5 / 40**0.5, abs=0.03)


def test_the_interval_over_games_covers_the_truth_as_often_as_it_says() -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    generator, covered, repetitions = np.random.default_rng(seed), 0, 400
    for repetition in range(repetitions):
        rates_g = generator.beta(2, 6, size=60)
        plies_g = generator.integers(20, 300, size=60)
        parts_g = generator.binomial(plies_g, rates_g)
        low, high = over_games(parts_g, plies_g, seed=repetition, resamplings=400)
        covered += low <= 0.25 <= high
    assert 0.88 <= covered / repetitions <= 0.985  # 0.95 nominal; a few standard errors


def test_the_same_seed_gives_the_same_interval_however_it_is_computed(monkeypatch) -> None:
    parts, wholes = np.arange(50), np.full(50, 60)
    whole = over_games(parts, wholes, seed=3)
    monkeypatch.setattr(intervals, "_CHUNK_ENTRIES", 120)
    assert over_games(parts, wholes, seed=3) == pytest.approx(whole, abs=1e-12)
    assert over_games(parts, wholes, seed=4) != whole


def test_all_or_none_has_an_interval_of_some_width() -> None:
    assert share_over_games([7, 5, 9], [7, 5, 9]) == pytest.approx((0.025 ** (1 / 3), 1.0))
    assert share_over_games([0, 0, 0], [7, 5, 0]) == pytest.approx((0.0, 1 - 0.025**0.5))
    assert over_games([7, 5, 9], [7, 5, 9]) == (1.0, 1.0)


def test_nothing_measured_has_no_interval() -> None:
    assert exact(0, 0) == over_games([0, 0], [0, 0]) == share_over_games([], []) == (None, None)

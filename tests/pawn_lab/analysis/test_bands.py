"""The band over seeds: the mean at common steps and its confidence interval."""

from types import SimpleNamespace

import pytest

from pawn_lab.analysis.bands import band, half_width
from pawn_lab.analysis.curves import Point


def run(*points: tuple[int, float]):
    return SimpleNamespace(points=[Point(s, s / 10, 0.0, v, 100.0 * s) for s, v in points])


def test_the_mean_and_its_interval_stand_at_the_steps_that_all_seeds_have():
    runs = [run((1, 3.0), (2, 2.0), (3, 1.0)), run((1, 5.0), (3, 2.0)), run((1, 4.0), (3, 3.0))]
    first, last = band(runs, "step")
    assert (first.step, first.x, first.mean, last.step, last.mean) == (1, 1, 4.0, 3, 2.0)
    # t(0.975, 2) = 4.302653, standard deviation 1, n = 3
    assert first.high - first.mean == pytest.approx(4.302653 / 3**0.5, rel=1e-6)
    assert first.mean - first.low == pytest.approx(first.high - first.mean)


def test_other_axes_place_a_point_at_the_mean_of_the_runs():
    (point,) = band([run((2, 1.0)), run((2, 2.0))], "tokens")
    assert (point.x, point.step) == (200.0, 2)


def test_one_seed_has_a_band_without_width():
    (point,) = band([run((1, 3.0))], "step")
    assert point.low == point.mean == point.high == 3.0
    assert half_width([1.0]) == 0.0

"""Paces and their quantiles."""

import pytest

from pawn_lab.planning.speed import History, Pace, Quantiles, quantiles


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], None),
        ([2.0], Quantiles(2.0, 2.0)),
        ([1.0, 3.0], Quantiles(2.0, 3.0)),
        (list(range(10, 0, -1)), Quantiles(5.5, 9)),
    ],
)
def test_quantiles_are_the_median_and_the_ninetieth_percentile(values, expected):
    assert quantiles(values) == expected


def test_a_duration_holds_the_start_once_and_every_step():
    history = History([Pace(startup_s=10.0, step_s=0.5)], None)
    assert history.duration_s(100) == Quantiles(60.0, 60.0)

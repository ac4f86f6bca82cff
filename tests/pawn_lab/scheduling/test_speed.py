"""Paces and their quantiles."""

import pytest

from pawn_lab.scheduling.estimates import range_of
from pawn_lab.scheduling.speed import History, Pace, Quantiles, quantiles


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], None),
        ([2.0], Quantiles(2.0, 2.0, 1)),
        ([1.0, 3.0], Quantiles(2.0, 3.0, 2)),
        (list(range(10, 0, -1)), Quantiles(5.5, 9, 10)),
    ],
)
def test_quantiles_are_the_median_and_the_ninetieth_percentile(values, expected):
    assert quantiles(values) == expected


@pytest.mark.parametrize(
    ("count", "expected"),
    [(1, (2.0, None, None)), (2, (2.0, None, 5.0)), (9, (2.0, None, 5.0)), (10, (2.0, 5.0, None))],
)
def test_a_percentile_is_one_only_of_enough_trials(count, expected):
    told = range_of(2.0, 5.0, count)
    assert (told.p50, told.p90, told.most) == expected


def test_a_duration_holds_the_start_once_and_every_step():
    history = History([Pace(startup_s=10.0, step_s=0.5)], None)
    assert history.duration_s(100) == Quantiles(60.0, 60.0, 1)

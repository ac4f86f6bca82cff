"""Runs are compared where each has a value."""

from types import SimpleNamespace

import pytest

from pawn_lab.analysis.alignment import align
from pawn_lab.analysis.curves import Point


def runs(*curves):
    """Runs of (step, hours, value) points; an hour costs 2."""
    return [
        SimpleNamespace(
            id=i, name=str(i), points=[Point(step, hours, 2 * hours, v) for step, hours, v in curve]
        )
        for i, curve in enumerate(curves)
    ]


FAST = [(100, 1.0, 5.0), (200, 2.0, 4.0), (300, 3.0, 3.0)]
SLOW = [(100, 2.5, 4.8), (200, 5.0, 3.8)]


def test_at_equal_step_the_last_that_all_have_counts():
    aligned = align(runs(FAST, SLOW), "step")
    assert (aligned.position, aligned.values) == (200, {"0": 4.0, "1": 3.8})


@pytest.mark.parametrize(("axis", "position"), [("hours", 3.0), ("cost", 6.0)])
def test_at_equal_hours_or_money_each_has_its_last_value_before(axis, position):
    aligned = align(runs(FAST, SLOW), axis)
    assert (aligned.position, aligned.values) == (position, {"0": 3.0, "1": 4.8})
    assert [run.id for run in aligned.short(runs(FAST, SLOW))] == [0]


@pytest.mark.parametrize("axis", ["step", "hours"])
def test_runs_that_do_not_overlap_have_no_common_point(axis):
    aligned = align(runs(FAST, [(150, 9.0, 4.0)]), axis)
    assert (aligned.position, aligned.values) == (None, {})
    assert align([], axis).position is None


def test_no_run_is_short_where_all_end_together():
    assert align(runs(FAST, FAST), "step").short(runs(FAST, FAST)) == []

"""Where on an axis a curve first is as good as a value."""

import math
from types import SimpleNamespace

import pytest

from pawn_core.config import PretrainConfig
from pawn_lab.analysis.curves import Point
from pawn_lab.analysis.reaching import logarithms, position

LOSS, TOP1 = PretrainConfig.metric("val_loss"), PretrainConfig.metric("top1")


def points(*curve: tuple[int, float]) -> list[Point]:
    return [Point(step, step / 10, 0.0, value, 100.0 * step) for step, value in curve]


FALLING = points((100, 5.0), (200, 3.0), (300, 3.5), (400, 1.0))


@pytest.mark.parametrize(
    ("axis", "value", "expected"),
    [
        ("step", 4.0, 150.0),
        ("hours", 4.0, 15.0),
        ("tokens", 4.0, 15_000.0),
        ("step", 3.0, 200.0),
        ("step", 2.25, 350.0),
        ("step", 0.5, None),
    ],
)
def test_a_value_between_two_points_is_reached_between_them(axis, value, expected):
    assert position(FALLING, axis, LOSS, value) == expected


def test_what_is_lost_again_was_reached_the_first_time():
    dips = points((100, 5.0), (200, 2.0), (300, 4.0), (400, 1.0))
    assert position(dips, "step", LOSS, 3.0) == pytest.approx(100 + 100 * 2 / 3)


def test_a_higher_metric_is_reached_from_below():
    rising = points((100, 0.2), (200, 0.4))
    assert position(rising, "step", TOP1, 0.3) == pytest.approx(150.0)
    assert position(FALLING, "step", TOP1, 4.0) == 100


def test_a_curve_that_begins_there_is_there_at_its_first_point_and_an_empty_one_never():
    assert position(FALLING, "step", LOSS, 6.0) == 100
    assert position([], "step", LOSS, 6.0) is None


def test_runs_that_never_get_there_or_cost_nothing_have_no_ratio():
    curves = {"fast": points((50, 1.0)), "never": points((50, 9.0)), "free": points((0, 1.0))}
    runs = [SimpleNamespace(name=name, points=curve) for name, curve in curves.items()]
    assert logarithms(runs, "step", LOSS, 2.0) == {"fast": pytest.approx(math.log(50))}

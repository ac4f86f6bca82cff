"""Curves of a resumed trial begin where its parent began."""

import pytest

from pawn_core.config import PretrainConfig
from pawn_lab.analysis.curves import curve, evaluations
from pawn_lab.lab import Lab, queries


@pytest.fixture
def lab(study):
    with Lab.open(study) as lab:
        yield lab


@pytest.fixture
def resumed(lab):
    return next(trial for trial in queries.trials(lab) if trial.parent is not None)


def test_a_curve_follows_the_lineage_without_a_gap_or_a_repetition(lab, resumed):
    assert [record["step"] for record in evaluations(lab, resumed.parent)] == [2, 4]
    assert [record["step"] for record in evaluations(lab, resumed.id)] == [2, 4, 6, 8]
    loss = curve(lab, resumed.id, PretrainConfig.metric("loss"))
    assert [point.step for point in loss] == list(range(1, 9))


def test_hours_and_cost_add_up_over_the_lineage(lab, resumed):
    points = curve(lab, resumed.id, PretrainConfig.metric("val_loss"))
    hours, cost = [point.hours for point in points], [point.cost for point in points]
    assert hours == sorted(hours)
    assert cost == sorted(cost)
    assert hours[0] > 0
    assert queries.trial(lab, resumed.parent).cost * 0.5 < cost[2]
    assert cost[-1] <= queries.trial(lab, resumed.parent).cost + resumed.cost

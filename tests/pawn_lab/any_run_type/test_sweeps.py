"""Sweeps of a run type whose metric is better high rank the highest first."""

import pytest
from answering import ITEMS
from lab_testing import eventually

from pawn_lab.errors import InvalidRequestError
from pawn_lab.lab import Lab, queries
from pawn_lab.tools.sweep import lab_sweep


@pytest.fixture
def own(workspace):
    """An empty lab."""
    with Lab.open(workspace) as lab:
        yield lab


def finished(lab, sweep_id):
    """Wait until a sweep has ended and return the answer about it."""

    def look():
        answer = lab_sweep(lab, sweep_id=sweep_id)
        return answer if answer.state != "active" else None

    return eventually(look, f"end of sweep {sweep_id}")


def values(answer):
    """Return the points' values by number."""
    return {row.point: row.value for row in answer.points}


@pytest.mark.parametrize(
    "choice",
    [
        {"space": {"tries": [100, 1]}},
        {"method": "random", "points": 2, "space": {"tries": {"low": 1, "high": 90}}},
    ],
)
def test_the_best_point_is_that_of_the_highest_accuracy(own, choice):
    settings = {"config": ITEMS | {"total_items": 20}} | choice
    answer = finished(own, lab_sweep(own, settings=settings).sweep_id)
    accuracy = values(answer)
    [best] = answer.best
    assert accuracy[best.point] == max(accuracy.values()) == best.value
    assert best.by == pytest.approx(max(accuracy.values()) - min(accuracy.values()), abs=1e-4)
    assert {"item", "accuracy"} <= set(answer.wire()["points"]["columns"])
    [end] = [
        e.message for e in queries.events(own, limit=99).events if "completed; best" in e.message
    ]
    assert f"best: point {best.point} " in end
    assert f"accuracy {best.value:.4g}" in end


def test_asha_goes_on_with_the_highest_and_says_why_it_stopped_the_others(own):
    settings = {
        "config": ITEMS | {"total_items": 20},
        "space": {"tries": [1, 100]},
        "early_stopping": {"rule": "asha", "first_rung": 10, "factor": 2},
    }
    answer = finished(own, lab_sweep(own, settings=settings).sweep_id)
    assert [(row.state, row.step) for row in answer.points] == [("stopped", 10), ("completed", 20)]
    [stop] = [event for event in queries.events(own, limit=99).events if event.kind == "early_stop"]
    assert "at item 10 is 2. of 2; asha keeps 1" in stop.message
    assert set(stop.data["accuracy_by_point"]) == {"0", "1"}


def test_other_items_cannot_be_ranked(own):
    settings = {"config": ITEMS, "space": {"choices": [2, 4]}, "early_stopping": {"first_rung": 5}}
    with pytest.raises(InvalidRequestError, match="accuracy of other items cannot be ranked"):
        lab_sweep(own, settings=settings)

"""What is drawn beside curves: marks, forecasts against what came, floors."""

from pathlib import Path

import pytest
from curve_labs import add_trial, append, train
from lab_testing import add_ended_trial, write_losses
from past_trials import resolved

from pawn_lab.lab import Lab
from pawn_lab.views import answered


@pytest.fixture
def lab(tmp_path: Path):
    with Lab.open(tmp_path / "runs") as lab:
        yield lab.only_looking()


def test_the_turns_of_a_learning_rate_are_marked_where_they_are_on_the_axis(lab):
    number = add_trial(lab, [])
    rates = [0.1, 0.2, 0.3, 0.4, 0.4, 0.4, 0.4, 0.4, 0.3, 0.2, 0.1, 0.0]
    append(lab, number, [train(step, loss=1.0, lr=lr) for step, lr in enumerate(rates, 1)])
    asked = {"metrics": "loss", "x": "tokens"}
    marks = answered(lab, "curves", asked)["marks"]
    assert [(m["x"], m["kind"], m["text"]) for m in marks] == [
        (80, "learning rate", "learning rate stays"),
        (160, "learning rate", "learning rate falls"),
    ]


def test_an_ended_run_has_the_forecast_that_was_made_half_way(lab):
    config = resolved(lr_schedule="constant", warmup_steps=0, total_steps=1000)
    number = add_ended_trial(lab, config, stop=1000)
    [band] = answered(lab, "curves", {"trials": [number]})["bands"]
    assert (band["metric"], band["x"][0], band["x"][-1]) == ("val_loss", 500, 1000)
    assert band["low"][-1] < 3.0 + 10.0 * 1000**-0.5 < band["high"][-1]
    assert band["low"][0] == band["mean"][0] == band["high"][0]


def test_a_run_that_is_too_young_has_no_forecast(lab):
    number = add_ended_trial(lab, resolved(total_steps=1000), stop=100)
    write_losses(lab, number, 60)
    assert answered(lab, "curves", {"trials": [number]})["bands"] == []


def test_bounds_that_records_tell_are_floors(lab):
    config = resolved(run_type="multitask", variant="small", positions="/p") | {"positions": "/p"}
    number = add_ended_trial(lab, config)
    record = {"type": "eval", "step": 300, "time": 1.8e9, "policy_loss": 2.0, "policy_floor": 1.5}
    append(lab, number, [record])
    answer = answered(lab, "curves", {"metrics": "policy_loss"})
    assert answer["floors"] == [{"metric": "policy_loss", "label": "bound", "value": 1.5}]

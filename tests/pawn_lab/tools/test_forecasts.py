"""The forecast of a running trial is shown with its test on those that have ended."""

import json

import pytest
from lab_testing import CONFIG, ended, open_gate, trainer_greeting, write_losses

from pawn_core.durable import replace_file
from pawn_lab.lab import launching
from pawn_lab.tools.results import lab_results
from pawn_lab.tools.status import lab_status

STEADY = CONFIG | {"lr_schedule": "constant", "warmup_steps": 10, "eval_interval": 20}


@pytest.fixture
def lab(open_lab):
    """A lab with three trials that have ended and one at half its steps."""
    lab = open_lab("gate:study")
    for seed in range(4):
        launching.launch(lab, STEADY | {"seed": seed, "data_seed": seed})
    for trial_id in (1, 2, 3):
        open_gate(lab, trial_id)
        ended(lab, trial_id)
        write_losses(lab, trial_id, 1000)
    trainer_greeting(lab, 4)
    write_losses(lab, 4, 500)
    yield lab
    open_gate(lab, 4)


def test_results_and_status_tell_what_a_running_trial_will_end_with(lab):
    [told] = lab_results(lab).forecasts
    assert (told.trial_id, told.at_step, told.held) == (4, 1000, "3 of 3")
    assert told.low < 3.0 + 10.0 * 1000**-0.5 < told.high
    assert lab_results(lab, trial_ids=[4]).forecasts == [told]
    assert lab_status(lab, trial_id=4).detail.forecasts == [told]
    assert lab_status(lab, trial_id=1).detail.forecasts is None


def test_a_forecast_that_is_withheld_says_why(lab):
    write_losses(lab, 4, 120)
    [told] = lab_results(lab).forecasts
    assert (told.value, told.why) == (None, "5 evaluations at this learning rate; it takes 8")


def test_no_forecast_is_told_where_those_made_as_early_seldom_held(lab):
    write_losses(lab, 3, 1000, floor=9.0)  # falls towards 9, then ends at 3.3
    records = lab.paths.trial(3).metrics.read_text().splitlines()[:-1]
    last = {"type": "eval", "seq": 49, "step": 1000, "time": 1.7e9, "val_loss": 3.3}
    replace_file(lab.paths.trial(3).metrics, "\n".join([*records, json.dumps(last), ""]).encode())
    [told] = lab_results(lab).forecasts
    assert (told.value, told.held) == (None, None)
    assert told.why == "forecasts made as early held for 2 of 3 trials; it takes 80% of 3"

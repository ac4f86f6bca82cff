"""The forecast of a running trial is shown with its test on those that have ended."""

import pytest
from lab_testing import CONFIG, ended, open_gate, trainer_greeting, write_losses

from pawn_lab.tools.results import lab_results
from pawn_lab.tools.status import lab_status

STEADY = CONFIG | {"lr_schedule": "constant", "warmup_steps": 10, "eval_interval": 20}


@pytest.fixture
def lab(open_lab):
    """A lab with a trial that has ended and one at half its steps."""
    lab = open_lab("gate:study")
    for seed in range(2):
        lab.launch(STEADY | {"seed": seed, "data_seed": seed})
    open_gate(lab, 1)
    ended(lab, 1)
    trainer_greeting(lab, 2)
    write_losses(lab, 1, 1000)
    write_losses(lab, 2, 500)
    yield lab
    open_gate(lab, 2)


def test_results_and_status_tell_what_a_running_trial_will_end_with(lab):
    [told] = lab_results(lab).forecasts
    assert (told.trial_id, told.at_step, told.held) == (2, 1000, "1 of 1")
    assert told.low < 3.0 + 10.0 * 1000**-0.5 < told.high
    assert lab_status(lab, trial_id=2).detail.forecasts == [told]
    assert lab_status(lab, trial_id=1).detail.forecasts is None


def test_a_forecast_that_is_withheld_says_why(lab):
    write_losses(lab, 2, 200)
    [told] = lab_results(lab, trial_ids=[2]).forecasts
    assert told.held == "0 of 0"
    write_losses(lab, 2, 120)
    [told] = lab_results(lab, trial_ids=[2]).forecasts
    assert (told.value, told.why) == (None, "5 evaluations at this learning rate; it takes 8")

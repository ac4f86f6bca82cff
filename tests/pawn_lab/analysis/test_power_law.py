"""Forecasts hold for what they claim to be for, and are withheld elsewhere."""

import random
from types import SimpleNamespace

import pytest

from pawn_core.config import parse_config
from pawn_lab.analysis.curves import Point
from pawn_lab.analysis.final_loss import backtest, outlook
from pawn_lab.analysis.power_law import extrapolated
from pawn_lab.configs import StoredConfig
from pawn_lab.states import State

STEADY = {"lr_schedule": "constant"}


def losses(steps, rng=None, noise=0.0, exponent=0.5):
    """Return losses that fall to 3 as a power law, with noise."""
    rng = rng or random.Random(0)
    return [(s, 3.0 + 40.0 * s**-exponent + rng.gauss(0.0, noise)) for s in steps]


def run_of(points, state=State.RUNNING, **config):
    resolved = parse_config(
        {"variant": "toy", "local_checkpoints": True, "total_steps": 4000, "warmup_steps": 100}
        | config
    )
    trial = SimpleNamespace(state=state, from_step=None)
    curve = [Point(step, 0.0, 0.0, loss) for step, loss in points]
    config, kind = StoredConfig.of(resolved), type(resolved)
    return SimpleNamespace(trial=trial, config=config, settings={}, points=curve, kind=kind)


def test_an_exact_power_law_is_carried_on():
    found = extrapolated(losses(range(200, 2001, 100)), 4000)
    assert found.value == pytest.approx(losses([4000])[0][1], abs=5e-3)
    assert found.low <= found.value <= found.high < found.low + 0.05


@pytest.mark.parametrize("exponent", [0.2, 0.5, 1.0])
def test_the_interval_holds_the_true_loss_in_at_least_nine_of_ten_noisy_curves(exponent):
    rng, held = random.Random(1), 0
    [(_, true)] = losses([4000], exponent=exponent)
    for _ in range(100):
        points = losses(range(500, 2001, 100), rng, noise=0.02, exponent=exponent)
        found = extrapolated(points, 4000)
        held += found is not None and found.low <= true <= found.high
    assert held >= 90


def test_a_rising_loss_has_no_power_law():
    assert extrapolated([(s, 3.0 + s / 1000) for s in range(100, 2000, 100)], 4000) is None


def test_a_run_at_a_rate_that_stays_has_an_outlook():
    points = losses(range(100, 2001, 100), noise=0.02)
    told = outlook(run_of(points, lr_schedule="constant"))
    assert (told.step, told.why) == (4000, None)
    assert told.loss.low <= losses([4000])[0][1] <= told.loss.high


@pytest.mark.parametrize(
    ("points", "config", "why"),
    [
        (losses(range(100, 2001, 100)), {"lr_schedule": "wsd"}, "goes from 100% to 0% of its peak"),
        (losses(range(50, 301, 50)), {}, "step 300 of 4000 is too early"),
        (losses(range(500, 2001, 500)), STEADY, "4 evaluations at this learning rate"),
        ([(s, float(s)) for s in range(100, 2001, 100)], STEADY, "do not fall as a power law"),
        (losses(range(100, 2001, 100)), {}, "the learning rate goes from 52% to 0% of its peak"),
        (
            losses(range(100, 2001, 100)),
            {"min_lr_ratio": 0.5},
            "the learning rate goes from 76% to 50% of its peak",
        ),
        ([], {}, "step 0 of 4000 is too early"),
        (losses([4000]), {}, "it has ended"),
    ],
)
def test_an_outlook_is_withheld_with_the_reason(points, config, why):
    told = outlook(run_of(points, **config))
    assert told.loss is None
    assert why in told.why


def test_a_pause_that_comes_before_a_rate_has_changed_much_has_an_outlook():
    early = {"total_steps": 40_000, "pause_after_steps": 4000}
    told = outlook(run_of(losses(range(100, 2001, 100), noise=0.02), **early))
    assert (told.step, told.why) == (4000, None)


def test_ended_runs_tell_how_often_such_forecasts_held():
    whole = losses(range(100, 4001, 100), noise=0.02)
    good = run_of(whole, State.COMPLETED, lr_schedule="constant")
    dropped = run_of([*whole[:-1], (4000, 1.0)], State.COMPLETED, lr_schedule="constant")
    running = run_of(whole[:20], lr_schedule="constant")
    assert backtest([good, dropped, running], 0.5) == (1, 2)

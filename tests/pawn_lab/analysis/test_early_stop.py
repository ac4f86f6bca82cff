"""Whom a trial is stopped by its forecast for, on what evidence, and where it goes on."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from pawn_core.config import parse_config
from pawn_lab.analysis.curves import Point
from pawn_lab.analysis.early_stop import judge
from pawn_lab.analysis.groups import Run
from pawn_lab.analysis.origins import essential
from pawn_lab.configs import StoredConfig
from pawn_lab.states import State

BASE = {"variant": "toy", "local_checkpoints": True, "total_steps": 4000, "warmup_steps": 100}
HALF, WHOLE = range(100, 2001, 100), range(100, 4001, 100)


def run_of(number, steps, floor, state=State.COMPLETED, **config):
    """Return a run whose loss falls to a floor as a power law, with a little noise."""
    resolved = BASE | {"lr_schedule": "constant", "lr": 1e-3 * number} | config
    values = StoredConfig.of(parse_config(resolved))
    points = [
        Point(step, 0.0, 0.0, floor + 40.0 * step**-0.5 + (-1) ** step * 0.002 * (step % 300 > 0))
        for step in steps
    ]
    trial = SimpleNamespace(id=number, state=state, from_step=None, config=values)
    return Run(trial, essential(values), (values["seed"], values["data_seed"]), points)


RUN = run_of(9, HALF, 3.0, State.RUNNING)
ENDED = [run_of(number, WHOLE, 3.0) for number in (1, 2, 3)]
BETTER = run_of(4, WHOLE, 2.0)


def test_a_trial_that_cannot_reach_a_better_one_is_stopped_with_the_numbers():
    found = judge(RUN, [*ENDED, BETTER], ENDED, of_sweep=False)
    assert found.stop, found.why
    told = found.evidence
    assert (told["step"], told["at_step"], told["reference_trial"]) == (2000, 4000, 4)
    assert told["reference_loss"] == BETTER.points[-1].value < told["low"] < told["forecast"]
    assert (told["held"], told["of"]) == (3, 3)


def test_a_running_trial_that_has_got_there_already_judges_too():
    ahead = run_of(5, range(100, 1001, 100), 1.0, State.RUNNING)
    found = judge(RUN, [ahead], ENDED, of_sweep=False)
    assert (found.stop, found.evidence["reference_step"]) == (True, 1000)


@pytest.mark.parametrize(
    ("run", "rivals", "ended", "why"),
    [
        (RUN, ENDED, ENDED, "it may still reach trial"),
        (RUN, [BETTER], ENDED[:2], "held for 2 of 2 trials"),
        (RUN, [], ENDED, "no comparable trial"),
        (
            run_of(9, HALF, 3.0, lr_schedule="wsd"),
            [BETTER],
            ENDED,
            "the learning rate goes from 100% to 0%",
        ),
        (run_of(9, [100, 200], 3.0), [BETTER], ENDED, "too early"),
    ],
    ids=["within the interval", "little tested", "alone", "a later phase", "early"],
)
def test_a_trial_goes_on_where_it_is_not_sure(run, rivals, ended, why):
    found = judge(run, rivals, ended, of_sweep=False)
    assert not found.stop
    assert why in found.why


def test_forecasts_that_seldom_held_stop_nothing():
    dropped = [replace(run, points=[*run.points[:-1], Point(4000, 0, 0, 1.0)]) for run in ENDED]
    found = judge(RUN, [BETTER], [*ENDED, *dropped], of_sweep=False)
    assert (found.stop, found.evidence["held"], found.evidence["of"]) == (False, 3, 6)


@pytest.mark.parametrize(
    "config",
    [
        {"mate_boost": 1.0},
        {"val_seed": 5},
        {"total_steps": 2000},
        {"optimizer": "muon"},
        {"d_model": 32},
        {"batch_size": 64},
        {"lr": RUN.config["lr"], "seed": 3},
    ],
    ids=lambda config: next(reversed(config)),
)
def test_no_trial_is_judged_by_one_of_another_question(config):
    found = judge(RUN, [run_of(4, WHOLE, 2.0, **config)], ENDED, of_sweep=False)
    assert (found.stop, found.why) == (False, "no comparable trial has a loss")


def test_within_a_sweep_other_points_judge_unless_their_games_or_schedules_differ():
    def by(**config):
        return judge(RUN, [run_of(4, WHOLE, 2.0, **config)], ENDED, of_sweep=True).stop

    assert by(optimizer="muon")
    assert not by(mate_boost=1.0)
    assert not by(total_steps=2000)


def test_a_trial_that_went_wrong_judges_nobody():
    failed = run_of(4, WHOLE, 2.0, State.FAILED)
    assert not judge(RUN, [failed], ENDED, of_sweep=False).stop

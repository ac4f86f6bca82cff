"""Learning-rate schedules against their closed forms."""

import math

import pytest

from pawn_core.config import parse_config
from pawn_core.training.schedules import SCHEDULES, build_schedule


def ratios(**fields) -> list[float]:
    raw = {"total_steps": 100, "warmup_steps": 10, "local_checkpoints": True} | fields
    schedule = build_schedule(parse_config(raw))
    return [schedule(step) for step in range(101)]


@pytest.mark.parametrize("name", ["cosine", "wsd", "constant", "infinite"])
def test_warm_up_is_linear_and_its_first_update_already_moves(name: str) -> None:
    assert ratios(lr_schedule=name)[:10] == pytest.approx([(s + 1) / 10 for s in range(10)])


def test_cosine_falls_from_the_peak_to_the_minimum() -> None:
    values = ratios(lr_schedule="cosine", min_lr_ratio=0.1)
    expected = [0.1 + 0.9 * (1 + math.cos(math.pi * (s - 10) / 90)) / 2 for s in range(10, 101)]
    assert values[10:] == pytest.approx(expected)
    assert values[10] == 1.0
    assert values[100] == pytest.approx(0.1)


def test_wsd_stays_then_decays_linearly_over_its_last_steps() -> None:
    values = ratios(lr_schedule="wsd", decay_steps=20, min_lr_ratio=0.5)
    assert values[10:81] == [1.0] * 71
    assert values[80:] == pytest.approx([0.5 + 0.5 * (100 - s) / 20 for s in range(80, 101)])


def test_constant_stays_at_the_peak() -> None:
    assert ratios(lr_schedule="constant")[10:] == [1.0] * 91


def test_one_cycle_rises_from_a_25th_and_falls_to_the_minimum() -> None:
    values = ratios(lr_schedule="one_cycle", warmup_steps=40)
    rise = [1 - (1 - 1 / 25) * (1 + math.cos(math.pi * s / 40)) / 2 for s in range(40)]
    fall = [(1 + math.cos(math.pi * (s - 40) / 60)) / 2 for s in range(40, 101)]
    assert values == pytest.approx(rise + fall)


def test_infinite_cools_to_a_plateau_and_anneals_at_the_end() -> None:
    values = ratios(
        lr_schedule="infinite", cooldown_steps=30, constant_lr_ratio=0.4, decay_steps=20
    )
    cool = [0.4 + 0.6 * (1 + math.cos(math.pi * (s - 10) / 30)) / 2 for s in range(10, 40)]
    assert values[10:40] == pytest.approx(cool)
    assert values[40:81] == pytest.approx([0.4] * 41)
    assert values[80:] == pytest.approx([0.4 * (100 - s) / 20 for s in range(80, 101)])


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("warmup", [0, 1, 50])
def test_every_ratio_is_between_0_and_1_for_any_warm_up(name: str, warmup: int) -> None:
    values = ratios(lr_schedule=name, warmup_steps=warmup)
    assert all(0.0 <= value <= 1.0 for value in values)
    assert max(values) == pytest.approx(1.0)


def test_the_config_offers_exactly_the_schedules_there_are() -> None:
    from pawn_core.config import config_json_schema

    assert set(config_json_schema()["properties"]["lr_schedule"]["enum"]) == set(SCHEDULES)

"""Beta is 0 in the warm-up, then fixed or led to a target, and survives a resume."""

import math

import pytest

from pawn_core.reinforcement import BetaController


def test_beta_is_zero_in_the_warm_up_and_then_fixed() -> None:
    controller = BetaController(0.005, warmup_steps=20)
    for step in range(1, 31):
        controller.observe(step, 100.0)
    assert [controller.beta_of(step) for step in (1, 20, 21, 30)] == [0.0, 0.0, 0.005, 0.005]


def test_a_controlled_policy_comes_to_its_target() -> None:
    """KL that falls as beta grows settles within the tolerance and a factor."""
    controller = BetaController(0.001, target=0.5, most=10.0)
    for step in range(1, 201):
        controller.observe(step, kl=0.05 / controller.beta_of(step))
    assert 0.05 / controller.beta_of(201) == pytest.approx(0.5, rel=0.1)


@pytest.mark.parametrize(
    ("kl", "factor"), [(1.06, 1.1), (1.04, 1.0), (0.96, 1.0), (0.94, 1 / 1.1), (0.0, 1 / 1.1)]
)
def test_beta_moves_a_tenth_where_kl_is_off_the_target(kl: float, factor: float) -> None:
    controller = BetaController(0.1, target=1.0)
    controller.observe(1, kl)
    assert controller.beta_of(2) == pytest.approx(0.1 * factor)


def test_beta_stays_within_its_bounds() -> None:
    controller = BetaController(0.1, target=1.0, least=0.05, most=0.2)
    for step in range(1, 50):
        controller.observe(step, 9.0)
    assert controller.beta_of(50) == 0.2
    for step in range(50, 100):
        controller.observe(step, 0.01)
    assert controller.beta_of(100) == 0.05


def test_warm_up_and_a_kl_that_is_no_number_teach_nothing() -> None:
    controller = BetaController(0.1, warmup_steps=5, target=1.0)
    controller.observe(5, 9.0)
    controller.observe(6, math.nan)
    controller.observe(7, math.inf)
    assert controller.beta_of(8) == 0.1


def test_a_resumed_controller_goes_on_as_if_it_had_not_stopped() -> None:
    whole, first = BetaController(0.1, target=1.0), BetaController(0.1, target=1.0)
    measured = [3.0, 2.0, 0.5, 1.0, 4.0, 0.1]
    for step, kl in enumerate(measured, start=1):
        whole.observe(step, kl)
    for step, kl in enumerate(measured[:3], start=1):
        first.observe(step, kl)
    second = BetaController(0.1, target=1.0)
    second.load_state_dict(first.state_dict())
    for step, kl in enumerate(measured[3:], start=4):
        second.observe(step, kl)
    assert second.beta_of(7) == whole.beta_of(7) != 0.1


def test_what_no_controller_can_follow_is_refused() -> None:
    with pytest.raises(ValueError, match=r"beta 0\.5 is outside beta_min 0\.0 to beta_max 0\.1"):
        BetaController(0.5, target=1.0, most=0.1)
    with pytest.raises(ValueError, match=r"target_kl 1\.0 with beta 0\.0; allowed: both above 0"):
        BetaController(0.0, target=1.0)

"""Advantages compare a completion with the others of its prompt, and with nothing else."""

import math

import numpy as np
import pytest
import torch

from pawn_core.reinforcement import ADVANTAGES, group_advantages, reward_metrics

NAN = math.nan
KINDS = pytest.mark.parametrize("kind", ADVANTAGES)


def rewards(*groups: list[float]) -> torch.Tensor:
    return torch.tensor(groups, dtype=torch.float64)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("mean", [0.75, -0.25, -0.25, -0.25]),
        ("std", [1.5, -0.5, -0.5, -0.5]),  # the deviation is 1/2 with ddof 1
        ("leave_one_out", [1.0, -1 / 3, -1 / 3, -1 / 3]),
    ],
)
def test_each_kind_is_what_its_definition_says(kind: str, expected: list[float]) -> None:
    values = group_advantages(rewards([1, 0, 0, 0]), kind).values_pg[0]
    assert values.tolist() == pytest.approx(expected)


def test_leave_one_out_is_the_reward_less_the_mean_of_the_others() -> None:
    r = torch.rand(3, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    others = (r.sum(dim=1, keepdim=True) - r) / 4
    np.testing.assert_allclose(
        group_advantages(r, "leave_one_out", clip=None).values_pg, r - others
    )


@KINDS
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("reward", [0.2, 0.95, -1 / 3, 1e6])
def test_equal_rewards_teach_exactly_nothing(kind: str, dtype: torch.dtype, reward: float) -> None:
    r = torch.full((1, 7), reward, dtype=dtype)
    advantages = group_advantages(r, kind, std_floor=0.0, clip=None)
    assert (advantages.values_pg == 0).all()
    assert not advantages.used_pg.any()


@KINDS
def test_rewards_that_differ_by_the_order_of_a_sum_are_equal(kind: str) -> None:
    r = rewards([0.1 + 0.2 + 0.3, 0.3 + 0.2 + 0.1, 0.6])
    assert len(set(r[0].tolist())) > 1
    assert not group_advantages(r, kind, std_floor=0.0).used_pg.any()


@KINDS
def test_a_group_with_a_single_other_reward_is_kept_whole(kind: str) -> None:
    """The seven equal ones are as good as each other, not without a lesson."""
    advantages = group_advantages(rewards([0.0, *[0.95] * 7], [0.95] * 8), kind)
    assert advantages.used_pg.tolist() == [[True] * 8, [False] * 8]
    assert advantages.values_pg[0, 0] < 0 < advantages.values_pg[0, 1]


@KINDS
def test_groups_do_not_know_of_each_other(kind: str) -> None:
    first, second = [0.0, 1.0, 0.5], [100.0, 101.0, 103.0]
    both = group_advantages(rewards(first, second), kind).values_pg
    for row, group in zip(both, (first, second), strict=True):
        np.testing.assert_allclose(row, group_advantages(rewards(group), kind).values_pg[0])


@KINDS
def test_what_has_no_reward_is_as_if_it_had_not_been_sampled(kind: str) -> None:
    with_invalid = group_advantages(rewards([1.0, NAN, 0.0, math.inf, 0.25]), kind)
    without = group_advantages(rewards([1.0, 0.0, 0.25]), kind)
    assert with_invalid.used_pg[0].tolist() == [True, False, True, False, True]
    assert with_invalid.values_pg[0, [0, 2, 4]].tolist() == without.values_pg[0].tolist()
    assert with_invalid.values_pg[0, [1, 3]].tolist() == [0.0, 0.0]


@KINDS
def test_a_lone_valid_completion_has_nothing_to_be_compared_with(kind: str) -> None:
    advantages = group_advantages(rewards([1.0, NAN, NAN], [NAN, NAN, NAN]), kind)
    assert not advantages.used_pg.any()
    assert (advantages.values_pg == 0).all()


def test_the_deviation_has_a_floor_and_the_advantage_a_bound() -> None:
    nearly_equal = rewards([0.501, 0.5, 0.5, 0.5])
    assert group_advantages(nearly_equal, "std").values_pg[0, 0].item() == pytest.approx(0.015)
    one_of_many = rewards([1.0, *[0.0] * 63])
    unbounded = group_advantages(one_of_many, "std", clip=None).values_pg[0, 0].item()
    assert unbounded > 7
    assert group_advantages(one_of_many, "std").values_pg[0, 0].item() == 2.0
    far = 10 * one_of_many
    assert group_advantages(far, "mean").values_pg[0, 0].item() == pytest.approx(10 * 63 / 64)


def test_rewards_of_sixteen_bits_are_refused() -> None:
    with pytest.raises(ValueError, match="float32, float64"):
        group_advantages(torch.zeros(1, 4, dtype=torch.bfloat16), "mean")


def test_an_unknown_kind_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="'median' is unknown; one of: mean, std, leave_one_out"):
        group_advantages(rewards([0, 1]), "median")


def test_metrics_count_what_is_invalid_and_what_teaches_nothing() -> None:
    measured = reward_metrics(rewards([1, 0, NAN], [0.5, 0.5, 0.5], [1.0, NAN, NAN]))
    assert measured == {
        "reward": pytest.approx((1 + 1.5 + 1) / 6),
        "reward_std": pytest.approx(math.sqrt(0.5) / 2),
        "frac_reward_zero_std": 0.5,
        "invalid_completions": 3,
        "dropped_groups": 2,
    }


def test_metrics_of_a_step_without_a_reward_are_null() -> None:
    measured = reward_metrics(rewards([NAN, NAN]))
    assert (measured["reward"], measured["reward_std"]) == (None, None)
    assert measured["frac_reward_zero_std"] is None
    assert measured["invalid_completions"] == 2

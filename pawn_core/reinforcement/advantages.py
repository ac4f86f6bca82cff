"""Advantages: how much better each completion did than the others of its prompt.

Shapes: p groups, one a prompt, g completions of a group.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

_EQUAL = 1e-9  # rewards this close differ by the order of a sum
_LOW_PRECISION = (torch.float16, torch.bfloat16)


class Groups(NamedTuple):
    """Rewards by group, those that are no number left out."""

    centred_pg: Tensor
    """float64, reward - mean of the group; 0 where invalid or all rewards of a group are equal."""
    valid_pg: Tensor
    """bool, whether the verifier gave a reward."""
    count_p: Tensor
    """float64, valid completions."""
    mean_p: Tensor
    """float64; nan without any."""
    std_p: Tensor
    """float64, with ddof 1; nan of fewer than two."""
    differ_p: Tensor
    """bool, whether the rewards of a group are not all the same."""

    @classmethod
    def of(cls, rewards_pg: Tensor) -> "Groups":
        """Measure the groups; a reward that is not finite is that of an invalid completion.

        Raises:
            ValueError: the rewards have 16 bits, which lose the difference to the mean.
        """
        if rewards_pg.dtype in _LOW_PRECISION:
            raise ValueError(f"rewards are {rewards_pg.dtype}; allowed: float32, float64")
        rewards_pg, valid_pg = rewards_pg.double(), rewards_pg.isfinite()
        count_p = valid_pg.sum(dim=1).double()
        mean_p = rewards_pg.masked_fill(~valid_pg, 0.0).sum(dim=1) / count_p
        most_p = rewards_pg.masked_fill(~valid_pg, -torch.inf).amax(dim=1)
        least_p = rewards_pg.masked_fill(~valid_pg, torch.inf).amin(dim=1)
        differ_p = most_p - least_p > _EQUAL
        centred_pg = (rewards_pg - mean_p[:, None]).masked_fill(~(valid_pg & differ_p[:, None]), 0)
        std_p = (centred_pg.square().sum(dim=1) / (count_p - 1).clamp(min=0)).sqrt()
        return cls(centred_pg, valid_pg, count_p, mean_p, std_p, differ_p)


class Advantages(NamedTuple):
    """What an update learns from."""

    values_pg: Tensor
    """float64; 0 where nothing is learned."""
    used_pg: Tensor
    """bool, the completions that count: valid ones of groups whose rewards differ.

    All others are out of the sums and out of their denominators.
    """


def group_advantages(
    rewards_pg: Tensor, kind: str, *, std_floor: float = 0.05, clip: float | None = 2.0
) -> Advantages:
    """Return each completion's advantage within its group.

    Args:
        rewards_pg: float64 or float32; nan marks a completion that no verifier could judge and
            fills up smaller groups.
        kind: a name in `ADVANTAGES`. Only "leave_one_out" is unbiased (Kool et al., 2019): the mean
            of G has the completion's own reward in it and shrinks the gradient by 1 - 1/G.
        std_floor: least standard deviation that "std" divides by.
        clip: largest absolute value of "std"; None for none. Others are never clipped.

    Raises:
        ValueError: an unknown kind, or rewards of 16 bits.
    """
    if kind not in ADVANTAGES:
        raise ValueError(f"advantage {kind!r} is unknown; one of: {', '.join(ADVANTAGES)}")
    groups = Groups.of(rewards_pg)
    values_pg = groups.centred_pg * ADVANTAGES[kind](groups, std_floor)[:, None]
    used_pg = groups.valid_pg & groups.differ_p[:, None]
    values_pg = values_pg.masked_fill(~used_pg, 0.0)
    if kind == "std" and clip is not None:
        values_pg = values_pg.clamp(-clip, clip)
    return Advantages(values_pg, used_pg)


def reward_metrics(rewards_pg: Tensor) -> dict[str, float | None]:
    """Return what the rewards of a step come to, by TRL's names where it has one.

    reward: mean over valid completions; reward_std: mean over groups of the deviation in them;
    frac_reward_zero_std: share of the groups with two valid completions that teach nothing;
    invalid_completions, dropped_groups: how many had no reward, how many groups are left out.
    """
    groups = Groups.of(rewards_pg)
    comparable_p = groups.count_p >= 2
    alike_p = (~groups.differ_p)[comparable_p].double()
    return {
        "reward": _mean(rewards_pg[groups.valid_pg].double()),
        "reward_std": _mean(groups.std_p[comparable_p]),
        "frac_reward_zero_std": _mean(alike_p),
        "invalid_completions": int((~groups.valid_pg).sum()),
        "dropped_groups": int((~groups.differ_p).sum()),
    }


def _mean(values: Tensor) -> float | None:
    return float(values.mean()) if len(values) else None


def _to_mean(groups: Groups, std_floor: float) -> Tensor:
    return torch.ones_like(groups.count_p)


def _to_deviation(groups: Groups, std_floor: float) -> Tensor:
    return 1 / groups.std_p.clamp(min=std_floor)


def _to_others(groups: Groups, std_floor: float) -> Tensor:
    return groups.count_p / (groups.count_p - 1)


ADVANTAGES: dict[str, Callable[[Groups, float], Tensor]] = {
    "mean": _to_mean,
    "std": _to_deviation,
    "leave_one_out": _to_others,
}
"""By name, what `reward - mean` is multiplied by, (p,)."""

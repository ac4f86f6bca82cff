"""What estimators are worth on average: every group that can be sampled is, with its probability.

The policy answers with x, z, yu or yv: two nodes of its own logits, so answers of two lengths. The
exact gradient is autograd's, of the expected reward.
"""

import itertools
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from made_updates import objective_of
from torch import Tensor

from pawn_core.config.policy_loss import ALGORITHMS as USUAL
from pawn_core.reinforcement import ALGORITHMS, Chunk, completion_weights, group_advantages

_ANSWERS = ([(0, 0)], [(0, 2)], [(0, 1), (1, 0)], [(0, 1), (1, 1)])
"""Node and token of each token: x, z, yu, yv."""
_REWARDS = torch.tensor([0.1, 0.7, 1.0, 0.0], dtype=torch.float64)


class Answers:
    """A policy over the four answers."""

    def __init__(self) -> None:
        logits = [[0.4, -0.3, 0.1], [0.5, -0.2, -1e9]]
        self.logits_mk = torch.tensor(logits, dtype=torch.float64, requires_grad=True)

    def log_probs(self) -> Tensor:
        """Return the log-probability of each answer."""
        log_p_mk = self.logits_mk.log_softmax(-1)
        return torch.stack([sum(log_p_mk[place] for place in answer) for answer in _ANSWERS])

    def exact(self) -> Tensor:
        """Return the gradient of the expected reward."""
        return torch.autograd.grad(self.log_probs().exp() @ _REWARDS, self.logits_mk)[0]

    def groups(self, size: int) -> Iterator[tuple[float, tuple[int, ...]]]:
        """Yield every group with its probability."""
        p = self.log_probs().exp().tolist()
        for group in itertools.product(range(len(p)), repeat=size):
            yield float(np.prod([p[a] for a in group])), group

    def estimate(self, algorithm: str, advantage: str, group: tuple[int, ...]) -> Tensor:
        """Return the gradient by which an update with one group raises the reward."""
        values_pg, used_pg = group_advantages(_REWARDS[list(group)][None], advantage)
        places = [place for a in group for place in _ANSWERS[a]]
        lengths_c = torch.tensor([len(_ANSWERS[a]) for a in group])
        nodes_n, tokens_n = torch.tensor(places).T
        logits_nk = self.logits_mk[nodes_n]
        chunk = Chunk(
            tokens_n=tokens_n,
            completions_n=torch.repeat_interleave(torch.arange(len(group)), lengths_c),
            old_n=logits_nk.detach().log_softmax(-1).gather(1, tokens_n[:, None])[:, 0],
            advantages_c=values_pg[0],
            weights_c=completion_weights(ALGORITHMS[algorithm], lengths_c, used_pg[0]),
        )
        loss, _ = objective_of(algorithm).loss(logits_nk, chunk)
        return -torch.autograd.grad(loss, self.logits_mk)[0]

    def expected(self, algorithm: str, advantage: str, size: int) -> Tensor:
        """Return the mean estimate over all groups."""
        estimates = [p * self.estimate(algorithm, advantage, g) for p, g in self.groups(size)]
        return torch.stack(estimates).sum(dim=0)


def cosine(a: Tensor, b: Tensor) -> float:
    return (a.flatten() @ b.flatten() / (a.norm() * b.norm())).item()


@pytest.mark.parametrize("size", [2, 3, 4])
def test_sums_with_leave_one_out_are_unbiased(size: int) -> None:
    policy = Answers()
    expected = policy.expected("dr_grpo", "leave_one_out", size)
    np.testing.assert_allclose(expected, policy.exact(), atol=1e-12)


@pytest.mark.parametrize("size", [2, 3, 4])
def test_the_mean_of_the_group_shrinks_the_gradient_by_its_share(size: int) -> None:
    policy = Answers()
    expected = policy.expected("dr_grpo", "mean", size)
    np.testing.assert_allclose(expected, (1 - 1 / size) * policy.exact(), atol=1e-12)


def test_the_deviation_of_the_group_turns_it() -> None:
    policy = Answers()
    assert cosine(policy.expected("dr_grpo", "std", 3), policy.exact()) < 0.999


@pytest.mark.parametrize("algorithm", [name for name in USUAL if name != "dr_grpo"])
def test_of_answers_of_two_lengths_only_sums_keep_the_direction(algorithm: str) -> None:
    policy = Answers()
    assert cosine(policy.expected(algorithm, "leave_one_out", 3), policy.exact()) < 0.9999

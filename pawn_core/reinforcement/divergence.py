"""How far the policy is from the reference: exact, estimated, as a loss and as a reward.

With d = log pi - log ref of tokens sampled from pi (Schulman, 2020, Approximating KL Divergence):
k1 = d, k2 = d^2 / 2, k3 = exp(-d) - 1 + d.

Shapes: n tokens, v vocabulary, c completions.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor


def exact_kl(log_p_nv: Tensor, log_ref_nv: Tensor) -> Tensor:
    """Return KL(pi | ref) of the next token at each position (n,), in nats."""
    return (log_p_nv.exp() * (log_p_nv - log_ref_nv)).sum(dim=-1)


def entropy(log_p_nv: Tensor) -> Tensor:
    """Return the entropy of the next token at each position (n,), in nats."""
    return -(log_p_nv.exp() * log_p_nv).sum(dim=-1)


def k1(d_n: Tensor) -> Tensor:
    """Return an unbiased estimate of KL(pi | ref), which can be negative.

    As a loss it has no gradient in expectation; in the reward it has that of KL(pi | ref).
    """
    return d_n


def k2(d_n: Tensor) -> Tensor:
    """Return a biased estimate whose gradient, on policy, is that of KL(pi | ref)."""
    return d_n.square() / 2


def k3(d_n: Tensor) -> Tensor:
    """Return an unbiased estimate, never negative; its gradient, on policy, is KL(ref | pi)'s."""
    return torch.expm1(-d_n) + d_n


class Divergence(NamedTuple):
    """The divergence at some tokens."""

    exact_n: Tensor
    d_n: Tensor
    log_ratio_n: Tensor
    """Of the policy to the one that sampled."""


def _k3_weighted(divergence: Divergence) -> Tensor:
    """Return k3 times the ratio: unbiased in value and in gradient whatever policy sampled."""
    return divergence.log_ratio_n.exp() * k3(divergence.d_n)


KL_LOSSES: dict[str, Callable[[Divergence], Tensor]] = {
    "exact": lambda divergence: divergence.exact_n,
    "k2": lambda divergence: k2(divergence.d_n),
    "k3": lambda divergence: k3(divergence.d_n),
    "k3_weighted": _k3_weighted,
}
"""Estimators that pull towards the reference as a loss. k1 has no gradient there.

In the reward it is the only one: the exact divergence of a token is a constant there, and k3 has
the gradient of KL(pi | ref) - KL(ref | pi), next to nothing near the reference.
"""


def kl_penalties(
    old_n: Tensor, reference_n: Tensor, completions_n: Tensor, completions: int
) -> Tensor:
    """Return the sum of k1 over each completion's tokens (c,), float64: beta times it is taken off
    the reward.

    Args:
        old_n: log-probabilities under the policy that sampled, untempered.
        reference_n: those under the reference.
        completions_n: which completion each token belongs to, below `completions`.
    """
    d_n = old_n.double() - reference_n.double()
    return d_n.new_zeros(completions).index_add_(0, completions_n, k1(d_n))
